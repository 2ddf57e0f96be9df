import type { SessionEnd, SessionQuery, SessionRepository } from '../modules/auth/auth.ports.js'
import type { Prisma } from './generated/client.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'

type Row = Prisma.SessionGetPayload<object>

const sessionOf = ({ id, userAgent, ip, createdAt, lastUsedAt, expiresAt }: Row) => ({
  ...{ id, device: userAgent, address: ip, createdAt, lastUsedAt, expiresAt },
})

export class PrismaSessionRepository implements SessionRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async list(userId: string, { limit, cursor }: SessionQuery) {
    const [{ now }] = await this.tx.$queryRaw<[{ now: Date }]>`SELECT now() AS now`
    const rows = await this.tx.session.findMany({
      where: { AND: [{ userId, revokedAt: null, expiresAt: { gt: now } }, olderThan(decodeCursor(cursor))] },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }), sessionOf)
  }

  async end(userId: string, sessionId: string, reason: SessionEnd, now: Date) {
    const { count } = await this.tx.session.updateMany({
      where: { id: sessionId, userId, revokedAt: null, expiresAt: { gt: now } },
      data: { revokedAt: now, revokedReason: reason },
    })
    return count === 1
  }
}
