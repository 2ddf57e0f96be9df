import type { ApiKeyRecord, ApiKeyRepository, NewApiKey } from '../modules/auth/api-keys.ports.js'
import type { Prisma } from './generated/client.js'
import { knownPermissions } from './known-permissions.js'

const recordOf = (row: Prisma.ApiKeyGetPayload<object>): ApiKeyRecord => ({
  id: row.id,
  name: row.name,
  scopes: knownPermissions(row.scopes),
  printerGroupIds: row.printerGroupIds,
  projectIds: row.projectIds,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
  lastUsedAt: row.lastUsedAt,
})

export class PrismaApiKeyRepository implements ApiKeyRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async lockOf(userId: string) {
    await this.tx.$queryRaw`SELECT 1 FROM app_user WHERE id = ${userId} FOR UPDATE`
    return this.tx.apiKey.count({ where: { userId, revokedAt: null } })
  }

  async create({ scopes, printerGroupIds, projectIds, ...key }: NewApiKey) {
    const lists = { scopes: [...scopes], printerGroupIds: [...printerGroupIds], projectIds: [...projectIds] }
    await this.tx.apiKey.create({ data: { ...key, ...lists, createdById: key.userId } })
  }

  async list(userId: string) {
    const rows = await this.tx.apiKey.findMany({
      where: { userId, revokedAt: null },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    })
    return rows.map(recordOf)
  }

  async revoke(keyId: string, by: { userId: string } | 'anybody', now: Date) {
    const [revoked] = await this.tx.apiKey.updateManyAndReturn({
      where: { id: keyId, revokedAt: null, ...(by === 'anybody' ? {} : by) },
      data: { revokedAt: now, version: { increment: 1 } },
      select: { userId: true },
    })
    return revoked?.userId ?? null
  }

  async revokeAllOf(userId: string, now: Date) {
    const revoked = await this.tx.apiKey.updateManyAndReturn({
      where: { userId, revokedAt: null },
      data: { revokedAt: now, version: { increment: 1 } },
      select: { id: true },
    })
    return revoked.map(({ id }) => id)
  }

  async noteUse(keyIds: readonly string[]) {
    await this.tx.$executeRaw`UPDATE api_key SET last_used_at = now() WHERE id = ANY(${[...keyIds]})`
  }
}
