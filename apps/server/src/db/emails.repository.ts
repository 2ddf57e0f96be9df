import type { EmailMessage, EmailState } from '@gantry/schemas'

import { newId } from '../kernel/index.js'
import type {
  EmailClaim,
  EmailOrder,
  EmailRepository,
  RecipientRepository,
} from '../modules/notifications/notifications.ports.js'
import { ADMINS_OF_THE_FARM } from './accounts.repository.js'
import type { Prisma, PrismaClient } from './generated/client.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'

type Row = Prisma.EmailMessageGetPayload<object>

const emailOf = ({ id, key, to, template, subject, state, reason, tries, ...times }: Row): EmailMessage => ({
  ...{ id, key, to, template, subject, state, reason, tries },
  ...{ createdAt: times.createdAt, updatedAt: times.updatedAt, sentAt: times.sentAt },
})

export class PrismaEmailRepository implements EmailRepository, RecipientRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async order(order: EmailOrder & { id: string }) {
    await this.tx.emailMessage.create({ data: { ...order, state: 'sending' } })
  }

  async claim({ key, to, template, subject, jobId }: EmailOrder, seconds: number): Promise<EmailClaim> {
    const [claimed] = await this.tx.$queryRaw<{ id: string; tries: number; createdAt: Date }[]>`
      INSERT INTO email_message AS e (id, key, to_address, template, subject, state, job_id, tries, sending_until)
      VALUES (${newId('email')}, ${key}, ${to}, ${template}, ${subject}, 'sending', ${jobId}, 1,
        now() + make_interval(secs => ${seconds}))
      ON CONFLICT (key, to_address) DO UPDATE SET template = excluded.template, subject = excluded.subject,
        state = 'sending', reason = NULL, job_id = excluded.job_id, tries = e.tries + 1,
        sending_until = excluded.sending_until, updated_at = now()
      WHERE e.state <> 'sent' AND (e.sending_until IS NULL OR e.sending_until <= now())
      RETURNING id, tries, created_at AS "createdAt"`
    if (claimed !== undefined) return { kind: 'claimed', ...claimed }
    const row = await this.tx.emailMessage.findUnique({ where: { key_to: { key, to } }, select: { state: true } })
    return row?.state === 'sent' ? { kind: 'sent' } : { kind: 'busy' }
  }

  async sent(id: string, now: Date) {
    const data = { state: 'sent', reason: null, sendingUntil: null, sentAt: now, updatedAt: now } as const
    await this.tx.emailMessage.update({ where: { id }, data })
  }

  async giveBack({ id, tries }: { id: string; tries: number }, state: 'sending' | 'failed', reason: string, now: Date) {
    await this.tx.emailMessage.updateMany({
      where: { id, tries, state: 'sending' },
      data: { state, reason, sendingUntil: null, updatedAt: now },
    })
  }

  async skip({ key, to, template, subject, jobId }: EmailOrder, reason: string) {
    await this.tx.$executeRaw`
      INSERT INTO email_message AS e (id, key, to_address, template, subject, state, job_id, reason)
      VALUES (${newId('email')}, ${key}, ${to}, ${template}, ${subject}, 'skipped', ${jobId}, ${reason})
      ON CONFLICT (key, to_address) DO UPDATE SET state = 'skipped', reason = excluded.reason, sending_until = NULL,
        job_id = excluded.job_id, updated_at = now()
      WHERE e.state <> 'sent'`
  }

  async list({ state, limit, cursor }: { state: EmailState | null; limit: number; cursor: string | null }) {
    const rows = await this.tx.emailMessage.findMany({
      where: { AND: [state === null ? {} : { state }, olderThan(decodeCursor(cursor))] },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }), emailOf)
  }

  async adminAddresses(limit: number) {
    const rows = await this.tx.user.findMany({
      where: ADMINS_OF_THE_FARM,
      orderBy: { id: 'asc' },
      take: limit,
      select: { email: true },
    })
    return rows.map(({ email }) => email)
  }
}

const REMOVED_AT_ONCE = 5_000

/** Removes what was noted of mails so many days ago, in bounded statements. @returns how many */
export const removeOldEmails = async (prisma: PrismaClient, days: number, signal: AbortSignal): Promise<number> => {
  let removed = 0
  for (let rows = REMOVED_AT_ONCE; rows >= REMOVED_AT_ONCE; removed += rows) {
    signal.throwIfAborted()
    rows = await prisma.$executeRaw`
      DELETE FROM email_message WHERE id IN (
        SELECT id FROM email_message WHERE created_at < now() - make_interval(days => ${days}::int)
        ORDER BY created_at, id LIMIT ${REMOVED_AT_ONCE})`
  }
  return removed
}
