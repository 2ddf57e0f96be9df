import type { Alarm, AlarmCode, AlarmSubjectType } from '@gantry/schemas'

import { newId, seesEverything, type Actor } from '../kernel/index.js'
import { alarmText } from '../modules/alarms/alarm-text.js'
import type { AlarmRepository, AlarmSubject, NewAlarm } from '../modules/alarms/alarms.ports.js'
import { Prisma } from './generated/client.js'
import { decodeCursor, toPage } from './keyset.js'

type Row = Prisma.AlarmGetPayload<object>

const alarmOf = (row: Row): Alarm => ({
  id: row.id,
  code: row.code as AlarmCode,
  params: row.params as Record<string, unknown>,
  text: alarmText(row.code as AlarmCode, row.params as Record<string, unknown>),
  severity: row.severity,
  subjectType: row.subjectType as AlarmSubjectType,
  subjectId: row.subjectId,
  raisedAt: row.raisedAt,
  acknowledgedAt: row.acknowledgedAt,
  clearedAt: row.clearedAt,
})

/** About a printer that the actor may see. */
const onVisiblePrinter = ({ scope }: Actor): Prisma.Sql =>
  scope.printerGroups === 'all'
    ? Prisma.sql`a.params->>'printerId' IS NOT NULL`
    : Prisma.sql`EXISTS (
        SELECT 1 FROM printer p WHERE p.id = a.params->>'printerId' AND p.group_id = ANY(${[...scope.printerGroups]}))`

/** About no job, or about one that the actor may see. */
const ofVisibleJob = ({ scope, id }: Actor): Prisma.Sql =>
  scope.projects === 'all'
    ? Prisma.sql`true`
    : Prisma.sql`(a.subject_type NOT IN ('attempt', 'print_job') OR EXISTS (
        SELECT 1 FROM print_job j
        WHERE (j.id = a.subject_id OR j.id = (SELECT t.job_id FROM attempt t WHERE t.id = a.subject_id))
          AND (j.project_id = ANY(${[...scope.projects]}) OR (j.project_id IS NULL AND j.created_by_id = ${id}))))`

/** An alarm about a printer or its print is seen by who may see both; the others by who may see everything. */
const visible = (actor: Actor): Prisma.Sql =>
  seesEverything(actor.scope) ? Prisma.sql`true` : Prisma.sql`${onVisiblePrinter(actor)} AND ${ofVisibleJob(actor)}`

export class PrismaAlarmRepository implements AlarmRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async raise(alarm: NewAlarm) {
    const id = newId('alarm')
    const raised = await this.tx.$executeRaw`
      INSERT INTO alarm (id, code, params, severity, subject_type, subject_id)
      VALUES (${id}, ${alarm.code}, ${JSON.stringify(alarm.params)}::jsonb, ${alarm.severity}::alarm_severity, ${alarm.subjectType}, ${alarm.subjectId})
      ON CONFLICT DO NOTHING`
    return raised === 1 ? id : null
  }

  async clear(code: AlarmCode, subject: AlarmSubject, now: Date, having: Record<string, unknown> = {}) {
    // One statement: of two who clear it at once, one does and tells of it.
    const cleared = await this.tx.$queryRaw<{ id: string }[]>`
      UPDATE alarm SET cleared_at = ${now} WHERE code = ${code} AND subject_type = ${subject.subjectType}
        AND subject_id = ${subject.subjectId} AND params @> ${JSON.stringify(having)}::jsonb AND cleared_at IS NULL
      RETURNING id`
    return cleared.map(({ id }) => id)
  }

  async clearOfJob(code: AlarmCode, jobId: string, now: Date) {
    const cleared = await this.tx.$queryRaw<{ id: string }[]>`
      UPDATE alarm SET cleared_at = ${now} WHERE code = ${code} AND cleared_at IS NULL AND subject_type = 'attempt'
        AND subject_id IN (SELECT id FROM attempt WHERE job_id = ${jobId}) RETURNING id`
    return cleared.map(({ id }) => id)
  }

  async acknowledge(alarmId: string, actorId: string, now: Date) {
    const { count } = await this.tx.alarm.updateMany({
      where: { id: alarmId, clearedAt: null, acknowledgedAt: null },
      data: { acknowledgedAt: now, acknowledgedById: actorId },
    })
    if (count === 0) return null
    const { code } = await this.tx.alarm.findUniqueOrThrow({ where: { id: alarmId }, select: { code: true } })
    return code as AlarmCode
  }

  async get(actor: Actor, alarmId: string) {
    const [row] = await this.select(actor, Prisma.sql`a.id = ${alarmId}`, 1)
    return row === undefined ? null : alarmOf(row)
  }

  async list(actor: Actor, { open, limit, cursor }: { open: boolean; limit: number; cursor: string | null }) {
    const key = decodeCursor(cursor)
    const after = key === null ? Prisma.sql`true` : Prisma.sql`(a.raised_at, a.id) < (${key.at}, ${key.id})`
    const where = Prisma.sql`${after} AND ${open ? Prisma.sql`a.cleared_at IS NULL` : Prisma.sql`true`}`
    const rows = await this.select(actor, where, limit + 1)
    return toPage(rows, limit, ({ raisedAt, id }) => ({ at: raisedAt, id }), alarmOf)
  }

  private select(actor: Actor, where: Prisma.Sql, limit: number): Promise<Row[]> {
    return this.tx.$queryRaw<Row[]>`
      SELECT a.id, a.code, a.params, a.severity::text AS severity, a.subject_type AS "subjectType", a.subject_id AS "subjectId",
        a.raised_at AS "raisedAt", a.acknowledged_at AS "acknowledgedAt", a.acknowledged_by_id AS "acknowledgedById", a.cleared_at AS "clearedAt"
      FROM alarm a WHERE ${visible(actor)} AND ${where} ORDER BY a.raised_at DESC, a.id DESC LIMIT ${limit}`
  }
}
