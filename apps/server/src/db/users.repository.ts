import type {
  LockedRefreshToken,
  NewRefreshToken,
  NewSession,
  NewUser,
  SessionEnd,
  UserRecord,
  UserRepository,
} from '../modules/auth/auth.ports.js'
import { ADMINS_OF_THE_FARM } from './accounts.repository.js'
import type { Prisma } from './generated/client.js'
import { RIGHTS, rightsOf, WITH_RIGHTS, type RightsRow } from './user-rights.js'

const userOf = (row: UserRecord): UserRecord => ({
  id: row.id,
  email: row.email,
  displayName: row.displayName,
  passwordHash: row.passwordHash,
  role: row.role,
  disabledAt: row.disabledAt,
  analyticsOptOut: row.analyticsOptOut,
})

const successorsOf = (tokens: { usedAt: Date | null }[]): LockedRefreshToken['successors'] => {
  if (tokens.length === 0) return 'none'
  return tokens.some(({ usedAt }) => usedAt !== null) ? 'used' : 'unused'
}

export class PrismaUserRepository implements UserRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async isEmpty() {
    return (await this.tx.user.findFirst({ select: { id: true } })) === null
  }

  async adminAddresses() {
    const rows = await this.tx.user.findMany({ where: ADMINS_OF_THE_FARM, select: { email: true } })
    return rows.map(({ email }) => email)
  }

  async lockFirst() {
    await this.tx.$executeRaw`LOCK TABLE app_user IN SHARE ROW EXCLUSIVE MODE`
  }

  async create(user: NewUser) {
    await this.tx.user.create({ data: user })
  }

  async get(userId: string) {
    const row = await this.tx.user.findUnique({ where: { id: userId } })
    return row === null ? null : userOf(row)
  }

  async findByEmail(email: string) {
    const row = await this.tx.user.findUnique({ where: { email } })
    return row === null ? null : userOf(row)
  }

  async lock(userId: string) {
    await this.tx.$queryRaw`SELECT 1 FROM app_user WHERE id = ${userId} FOR NO KEY UPDATE`
    return this.get(userId)
  }

  async setPasswordHash(userId: string, passwordHash: string) {
    await this.tx.user.update({ where: { id: userId }, data: { passwordHash } })
  }

  async rights(userId: string) {
    const [row] = await this.tx.$queryRaw<RightsRow[]>`
      SELECT ${RIGHTS} FROM app_user u ${WITH_RIGHTS} WHERE u.id = ${userId} AND u.disabled_at IS NULL`
    return row === undefined ? null : rightsOf(row)
  }

  async setAnalyticsOptOut(userId: string, optOut: boolean) {
    // The user first: whoever counts holds it until what was counted is there to be removed.
    await this.tx.user.updateMany({ where: { id: userId }, data: { analyticsOptOut: optOut } })
    if (optOut) await this.tx.userActivityDay.deleteMany({ where: { userId } })
  }

  async createSession(session: NewSession) {
    await this.tx.session.create({ data: session })
  }

  async reauthenticatedAt(sessionId: string) {
    const select = { reauthenticatedAt: true }
    return (await this.tx.session.findUnique({ where: { id: sessionId }, select }))?.reauthenticatedAt ?? null
  }

  async extendSession(sessionId: string, expiresAt: Date, now: Date) {
    await this.tx.session.update({ where: { id: sessionId }, data: { expiresAt, lastUsedAt: now } })
  }

  async revokeSession(sessionId: string, reason: SessionEnd, now: Date) {
    const [revoked] = await this.tx.session.updateManyAndReturn({
      where: { id: sessionId, revokedAt: null },
      data: { revokedAt: now, revokedReason: reason },
      select: { userId: true },
    })
    return revoked?.userId ?? null
  }

  async revokeSessionsOf(userId: string, reason: SessionEnd, now: Date, except?: string) {
    const revoked = await this.tx.session.updateManyAndReturn({
      where: { userId, revokedAt: null, ...(except === undefined ? {} : { id: { not: except } }) },
      data: { revokedAt: now, revokedReason: reason },
      select: { id: true },
    })
    return revoked.map(({ id }) => id)
  }

  async addRefreshToken(token: NewRefreshToken) {
    await this.tx.refreshToken.create({ data: token })
  }

  async lockRefreshToken(tokenHash: string): Promise<LockedRefreshToken | null> {
    // The session first: what is read of its tokens afterwards no longer changes.
    await this.tx.$queryRaw`
      SELECT 1 FROM session WHERE id = (SELECT session_id FROM refresh_token WHERE token_hash = ${tokenHash}) FOR UPDATE`
    const token = await this.tx.refreshToken.findUnique({
      where: { tokenHash },
      include: { session: { include: { user: true } } },
    })
    if (token === null) return null
    const { id, parentId, expiresAt, usedAt, session } = token
    const successors = await this.tx.refreshToken.findMany({
      where: { sessionId: session.id, parentId: id },
      select: { usedAt: true },
    })
    return {
      id,
      parentId,
      expiresAt,
      usedAt,
      successors: successorsOf(successors),
      session: {
        id: session.id,
        createdAt: session.createdAt,
        expiresAt: session.expiresAt,
        revokedAt: session.revokedAt,
        user: userOf(session.user),
      },
    }
  }

  async useRefreshToken(
    { id, parentId }: Pick<LockedRefreshToken, 'id' | 'parentId'>,
    sessionId: string,
    now: Date,
  ): Promise<void> {
    const siblings = parentId === null ? [] : [{ parentId }]
    await this.tx.refreshToken.updateMany({
      where: { sessionId, usedAt: null, OR: [{ id }, ...siblings] },
      data: { usedAt: now },
    })
  }
}
