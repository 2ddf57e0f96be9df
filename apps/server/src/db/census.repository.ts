import { ACTIVE_ATTEMPT_STATES } from '@gantry/schemas'

import type { AttemptFacts, Census, CensusOfToday, CensusRepository } from '../modules/system/census.ports.js'
import { RESTING } from './alarm-conditions.repository.js'
import { Prisma } from './generated/client.js'

type Topic = 'printer' | 'attempt' | 'queue' | 'alarm' | 'hold' | 'outbox'
interface Row {
  topic: Topic
  name: string
  value: number
}

const ACTIVE = Prisma.join(ACTIVE_ATTEMPT_STATES.map((state) => Prisma.sql`${state}::attempt_state`))

/** Counts over the whole farm; nobody's scope applies, since only numbers come of it. */
export class PrismaCensusRepository implements CensusRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  /** One statement, so that the numbers fit together; each part of it has an index, or a row per printer. */
  async take(): Promise<Census> {
    const rows = await this.tx.$queryRaw<Row[]>`
      SELECT 'printer' AS topic, (CASE WHEN r.lease_until > now() AND r.state <> 'offline' THEN r.state
          WHEN p.enabled THEN 'offline' ELSE 'disabled' END) AS name, count(*)::float8 AS value
        FROM printer p JOIN printer_runtime r ON r.printer_id = p.id WHERE p.removed_at IS NULL GROUP BY 2
      UNION ALL SELECT 'attempt', state::text, count(*)::float8 FROM attempt WHERE state IN (${ACTIVE}) GROUP BY 2
      UNION ALL SELECT 'queue', 'copies', coalesce(sum(queued_copies), 0) FROM print_job WHERE queued_copies > 0
      UNION ALL SELECT 'queue', 'oldest', coalesce(extract(epoch FROM now() - min(created_at)), 0)
        FROM print_job WHERE queued_copies > 0
      UNION ALL SELECT 'alarm', code, count(*) FROM alarm WHERE cleared_at IS NULL GROUP BY 2
      UNION ALL SELECT 'hold', subject::text, count(*) FROM hold WHERE released_at IS NULL GROUP BY 2
      UNION ALL SELECT 'outbox', state::text, count(*) FROM outbox WHERE state IN ('pending', 'relayed') GROUP BY 2
      UNION ALL SELECT 'outbox', 'oldest', coalesce(extract(epoch FROM now() - min(greatest(o.created_at, o.available_at))), 0)
        FROM outbox o WHERE o.state = 'pending' AND o.available_at <= now() AND NOT ${RESTING}`
    const about = (topic: Topic) =>
      new Map(rows.filter((row) => row.topic === topic).map(({ name, value }) => [name, value]))
    const [queue, outbox] = [about('queue'), about('outbox')]
    return {
      printers: about('printer') as Census['printers'],
      attempts: about('attempt') as Census['attempts'],
      queuedCopies: queue.get('copies') ?? 0,
      oldestQueuedSeconds: Math.max(0, queue.get('oldest') ?? 0),
      alarms: about('alarm') as Census['alarms'],
      holds: about('hold') as Census['holds'],
      outbox: outbox as Census['outbox'],
      outboxOldestSeconds: Math.max(0, outbox.get('oldest') ?? 0),
    }
  }

  async today(timeZone: string): Promise<CensusOfToday> {
    const [row] = await this.tx.$queryRaw<CensusOfToday[]>`
      WITH day AS (SELECT date_trunc('day', now(), ${timeZone}) AS begins),
        ended AS (SELECT a.state, count(*)::int AS n FROM attempt a, day WHERE a.ended_at >= day.begins GROUP BY 1),
        spans AS (
          SELECT s.state, extract(epoch FROM least(now(), coalesce(s.until, r.lease_until, s.since)) - greatest(day.begins, s.since)) AS seconds
          FROM day JOIN printer_state_span s ON s.until IS NULL OR s.until > day.begins
            LEFT JOIN printer_runtime r ON r.printer_id = s.printer_id)
      SELECT (SELECT count(DISTINCT s.user_id)::int FROM session s
          WHERE s.revoked_at IS NULL AND s.last_used_at > now() - interval '15 minutes') AS "usersActive",
        (SELECT count(*)::int FROM attempt a, day WHERE a.started_at >= day.begins) AS started,
        coalesce((SELECT n FROM ended WHERE state = 'completed'), 0) AS completed,
        coalesce((SELECT n FROM ended WHERE state = 'failed'), 0) AS failed,
        coalesce((SELECT n FROM ended WHERE state = 'cancelled'), 0) AS cancelled,
        coalesce((SELECT sum(greatest(0, seconds)) FROM spans), 0)::float8 AS "drivenSeconds",
        coalesce((SELECT sum(greatest(0, seconds)) FROM spans
          WHERE state IN ('printing', 'pausing', 'paused', 'cancelling')), 0)::float8 AS "printingSeconds"`
    if (row === undefined) throw new Error('PostgreSQL answered a count without a row')
    return row
  }

  attempts(ids: readonly string[]): Promise<AttemptFacts[]> {
    return this.tx.$queryRaw<AttemptFacts[]>`
      SELECT a.id, a.print_seconds AS "printSeconds", a.filament_used_mm AS "filamentUsedMm",
        a.filament_used_grams AS "filamentUsedGrams",
        extract(epoch FROM a.started_at - a.claimed_at)::float8 AS "startedAfterSeconds",
        (CASE WHEN NOT EXISTS (SELECT 1 FROM attempt earlier WHERE earlier.job_id = a.job_id
            AND earlier.copy_number = a.copy_number AND earlier.claimed_at < a.claimed_at)
          THEN extract(epoch FROM a.claimed_at - j.created_at)::float8 END) AS "waitedSeconds"
      FROM attempt a JOIN print_job j ON j.id = a.job_id WHERE a.id = ANY(${[...ids]})`
  }
}
