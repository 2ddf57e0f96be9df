import type { HotQuery, HotQueryRepository } from '../modules/cache-warmup/cache-warmup.ports.js'
import { Prisma } from './generated/client.js'

/** What of the count of row `h` still counts: half of it after a day. */
const COUNTS_NOW = Prisma.sql`h.asked * power(0.5, extract(epoch FROM now() - h.asked_at) / 86400)`

export class PrismaHotQueryRepository implements HotQueryRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async add(queries: (HotQuery & { key: string; asked: number })[]) {
    await this.tx.$executeRaw`
      INSERT INTO hot_query AS h (key, query, input, role, asked)
      SELECT key, query, input, role, asked
      FROM jsonb_to_recordset(${JSON.stringify(queries)}::jsonb)
        AS said (key text, query text, input jsonb, role user_role, asked float8)
      ORDER BY key
      ON CONFLICT (key) DO UPDATE SET asked = ${COUNTS_NOW} + EXCLUDED.asked, asked_at = now()`
  }

  hottest(limit: number) {
    return this.tx.$queryRaw<HotQuery[]>`
      SELECT h.query, h.input, h.role::text AS role FROM hot_query h ORDER BY ${COUNTS_NOW} DESC, h.key LIMIT ${limit}`
  }

  removeCold(keep: number) {
    return this.tx.$executeRaw`
      DELETE FROM hot_query WHERE asked_at < now() - interval '7 days'
        OR key IN (SELECT key FROM hot_query ORDER BY asked_at DESC, key OFFSET ${keep})`
  }
}
