import type { UserActivity } from '@gantry/schemas'

import { seesEverything, type Actor, type EventCursor } from '../kernel/index.js'
import type { CountedEvent, UserActivityRepository } from '../modules/statistics/statistics.ports.js'
import type { Prisma } from './generated/client.js'

const NAME = 'user-activity'

export class PrismaUserActivityRepository implements UserActivityRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async cursor() {
    const row = await this.tx.statisticsCursor.findUnique({ where: { name: NAME }, select: { position: true } })
    return row?.position ?? null
  }

  async moveCursor(from: EventCursor | null, to: EventCursor) {
    if (from === null) {
      const { count } = await this.tx.statisticsCursor.createMany({
        data: [{ name: NAME, position: to }],
        skipDuplicates: true,
      })
      return count === 1
    }
    const where = { name: NAME, position: from }
    const { count } = await this.tx.statisticsCursor.updateMany({ where, data: { position: to } })
    return count === 1
  }

  async add(events: CountedEvent[], timeZone: string) {
    if (events.length === 0) return 0
    // The users are locked, in one order: whoever opts out meanwhile waits, and then removes what is added here.
    const [row] = await this.tx.$queryRaw<{ counted: number }[]>`
      WITH counted AS (
        SELECT id FROM app_user
        WHERE id = ANY(${[...new Set(events.map(({ userId }) => userId))]}) AND NOT analytics_opt_out
        ORDER BY id FOR SHARE
      ), said AS (
        SELECT "userId" AS user_id, to_char(at AT TIME ZONE ${timeZone}, 'YYYY-MM-DD') AS day, event, count(*)::int AS n
        FROM jsonb_to_recordset(${JSON.stringify(events)}::jsonb) AS e ("userId" text, event text, at timestamptz)
        WHERE "userId" IN (SELECT id FROM counted) GROUP BY 1, 2, 3
      ), added AS (
        INSERT INTO user_activity_day AS u (user_id, day, event, count)
        SELECT user_id, day, event, n FROM said ORDER BY 1, 2, 3
        ON CONFLICT (user_id, day, event) DO UPDATE SET count = u.count + EXCLUDED.count
      )
      SELECT coalesce(sum(n), 0)::int AS counted FROM said`
    return row?.counted ?? 0
  }

  /** Belongs to the user alone, and to whoever may see users. */
  async list(
    actor: Actor,
    { userId, fromDay, toDay, limit }: { userId: string; fromDay: string; toDay: string; limit: number },
  ): Promise<UserActivity[]> {
    const mayLook = actor.permissions.has('users.read') && seesEverything(actor.scope)
    if (actor.id !== userId && !mayLook) return []
    return this.tx.userActivityDay.findMany({
      where: { userId, day: { gte: fromDay, lte: toDay } },
      select: { day: true, event: true, count: true },
      orderBy: [{ day: 'asc' }, { event: 'asc' }],
      take: limit,
    })
  }
}
