import type { AlarmConditionRepository, AlarmThresholds, FoundAlarm } from '../modules/alarms/alarms.ports.js'
import { Prisma } from './generated/client.js'

const ACTIVE_HERE = Prisma.sql`EXISTS (SELECT 1 FROM attempt t WHERE t.printer_id = r.printer_id
  AND t.state IN ('claimed', 'uploading', 'starting', 'printing', 'paused', 'unknown'))`

const BUSY = Prisma.sql`r.state IN ('printing', 'pausing', 'paused', 'cancelling')`

/** When a person cleared such an alarm last: that counts as having looked, and a new one waits as long again. */
const lastCleared = (code: string, subjectId: Prisma.Sql): Prisma.Sql => Prisma.sql`
  (SELECT max(a.cleared_at) FROM alarm a WHERE a.code = ${code} AND a.subject_id = ${subjectId} AND a.cleared_at IS NOT NULL)`

/** A job that waits for its time, or for its next try, is not late, and neither is one that may still run. */
const dueSince = (jobTimeoutsMs: AlarmThresholds['jobTimeoutsMs']): Prisma.Sql => Prisma.sql`(CASE o.state
  WHEN 'pending' THEN greatest(o.created_at, o.available_at)
  ELSE o.relayed_at + make_interval(secs => coalesce((${JSON.stringify(jobTimeoutsMs)}::jsonb->>o.type)::float8, 0) / 1000) END)`

/** A person has stopped its queue, and knows that it waits. */
export const RESTING = Prisma.sql`EXISTS (SELECT 1 FROM job_queue q
  WHERE q.name = replace(lower(o.type), '_', '-') AND q.paused_at IS NOT NULL)`

/** What of the rows calls for a person. Every age is told by the database's clock. */
export class PrismaAlarmConditionRepository implements AlarmConditionRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async holding(thresholds: AlarmThresholds) {
    return [...(await this.bedsNotCleared(thresholds.bedNotClearedHours)), ...(await this.outboxStuck(thresholds))]
  }

  withoutCause({ jobTimeoutsMs }: AlarmThresholds) {
    return this.tx.$queryRaw<FoundAlarm[]>`
      SELECT a.code, a.subject_type AS "subjectType", a.subject_id AS "subjectId", p.group_id AS "printerGroupId"
      FROM alarm a LEFT JOIN printer p ON p.id = a.params->>'printerId' LEFT JOIN printer_runtime r ON r.printer_id = p.id
      WHERE a.cleared_at IS NULL AND (
        (a.subject_type = 'printer' AND p.removed_at IS NOT NULL)
        OR (a.code = 'BED_NOT_CLEARED' AND (r.bed = 'clear' OR NOT p.enabled OR ${BUSY} OR ${ACTIVE_HERE}))
        OR (a.code IN ('PRINTER_LOST', 'ATTEMPT_UNKNOWN') AND a.subject_type = 'attempt'
          AND EXISTS (SELECT 1 FROM attempt t WHERE t.id = a.subject_id AND t.state <> 'unknown'))
        OR (a.code = 'OUTBOX_STUCK' AND NOT EXISTS (
          SELECT 1 FROM outbox o WHERE (o.state IN ('pending', 'relayed') AND NOT ${RESTING}
              AND ${dueSince(jobTimeoutsMs)} < a.raised_at)
            OR (o.state = 'dead' AND ${this.newlyDead}))))`
  }

  /** A print that took all day leaves a bed that was occupied all day, and is not late for that: its end counts. */
  private async bedsNotCleared(hours: number) {
    const rows = await this.tx.$queryRaw<{ printerId: string; groupId: string | null; since: Date }[]>`
      SELECT r.printer_id AS "printerId", p.group_id AS "groupId", bed.since
      FROM printer_runtime r JOIN printer p ON p.id = r.printer_id
      CROSS JOIN LATERAL (SELECT greatest(r.bed_since, CASE WHEN r.state = 'finished' THEN r.state_since END,
        (SELECT max(t.ended_at) FROM attempt t WHERE t.printer_id = r.printer_id)) AS since) AS bed
      WHERE r.bed = 'occupied' AND p.removed_at IS NULL AND p.enabled AND NOT p.maintenance
        AND NOT ${BUSY} AND NOT ${ACTIVE_HERE}
        AND greatest(bed.since, ${lastCleared('BED_NOT_CLEARED', Prisma.sql`r.printer_id`)})
          < now() - make_interval(hours => ${hours}::int)`
    return rows.map(({ printerId, groupId, since }) => ({
      ...{ code: 'BED_NOT_CLEARED' as const, severity: 'info' as const, printerGroupId: groupId },
      ...{ subjectType: 'printer' as const, subjectId: printerId },
      params: { printerId, sinceIso: since.toISOString() },
    }))
  }

  private async outboxStuck({ outboxStuckMinutes: minutes, jobTimeoutsMs }: AlarmThresholds) {
    const [row] = await this.tx.$queryRaw<{ late: number; dead: number }[]>`
      SELECT (count(*) FILTER (WHERE o.state <> 'dead'))::int AS late, (count(*) FILTER (WHERE o.state = 'dead'))::int AS dead
      FROM outbox o WHERE (o.state = 'dead' AND ${this.newlyDead})
        OR (o.state IN ('pending', 'relayed') AND NOT ${RESTING}
          AND greatest(${dueSince(jobTimeoutsMs)}, ${lastCleared('OUTBOX_STUCK', Prisma.sql`'outbox'`)})
            < now() - make_interval(mins => ${minutes}::int))`
    const { late, dead } = row ?? { late: 0, dead: 0 }
    if (late + dead === 0) return []
    return [
      {
        ...{ code: 'OUTBOX_STUCK' as const, severity: 'critical' as const, printerGroupId: null },
        ...{ subjectType: 'system' as const, subjectId: 'outbox' },
        params: { late, dead },
      },
    ]
  }

  /** Dead rows are kept for weeks: those of which a person knows call nobody again. */
  private get newlyDead(): Prisma.Sql {
    return Prisma.sql`o.finished_at > coalesce(${lastCleared('OUTBOX_STUCK', Prisma.sql`'outbox'`)}, '-infinity')`
  }
}
