import type pg from 'pg'

import type { QueuedCounts } from '../kernel/job-queues.port.js'

/**
 * BullMQ's own count reads every row of a queue. This one reads its partial indexes, one per state, all queues in one
 * statement, and the job that comes next.
 */
const COUNTS = `
  select q.ord::int, w.n::int as waiting, a.n::int as active, d.n::int as delayed,
    next.added_at_ms as "addedAtMs", (next.data->'outbox'->>'waitedMs')::float8 as "waitedMs"
  from unnest($1::text[]) with ordinality as q (name, ord)
    cross join lateral (select count(*) as n from job where queue = q.name and state = 'waiting') w
    cross join lateral (select count(*) as n from job where queue = q.name and state = 'active') a
    cross join lateral (select count(*) as n from job where queue = q.name and state = 'delayed') d
    left join lateral (
      select added_at_ms, data from job where queue = q.name and state = 'waiting' order by priority, seq limit 1
    ) next on true
  order by q.ord`

interface Row {
  waiting: number
  active: number
  delayed: number
  addedAtMs: string | null
  waitedMs: number | null
}

/** @param names of queues; answered in their order */
export const countQueued = async (pool: pg.Pool, names: readonly string[]): Promise<QueuedCounts[]> => {
  const { rows } = await pool.query<Row>({ name: 'gantry-count-queued', text: COUNTS, values: [[...names]] })
  return rows.map(({ waiting, active, delayed, addedAtMs, waitedMs }) => ({
    ...{ waiting, active, delayed },
    oldestDueAt: addedAtMs === null ? null : new Date(Number(addedAtMs) - (waitedMs ?? 0)),
  }))
}
