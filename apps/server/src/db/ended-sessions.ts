import type { EndedSessions } from '../modules/auth/auth.ports.js'
import type { PrismaClient } from './generated/client.js'

/** Rows that somebody uses just now are left for the next time. */
export const createEndedSessions = (prisma: PrismaClient): EndedSessions => ({
  removeUselessTokens: (limit) => prisma.$executeRaw`
    delete from refresh_token where id in (
      select t.id from refresh_token t join session s on s.id = t.session_id
      where t.expires_at <= now() or s.expires_at <= now() or s.revoked_at is not null
      limit ${limit} for update of t skip locked)`,
  removeEnded: (limit) => prisma.$executeRaw`
    delete from session where id in (
      select s.id from session s
      where (s.expires_at <= now() or s.revoked_at is not null)
        and not exists (select 1 from refresh_token t where t.session_id = s.id)
      limit ${limit} for update of s skip locked)`,
  removeSignOns: (limit) => prisma.$executeRaw`
    delete from sign_on where state_hash in (
      select state_hash from sign_on where expires_at <= now() limit ${limit} for update skip locked)`,
})
