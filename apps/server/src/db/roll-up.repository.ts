import type {
  ApiMinute,
  ApiUseRepository,
  Figure,
  RollUpMark,
  RollUpPeriods,
  RollUpRepository,
} from '../modules/statistics/statistics.ports.js'
import { Prisma } from './generated/client.js'
import { FIGURE_ROWS, FIGURE_TABLES, FIRST_FACTS } from './roll-up-figures.js'

/** Rows in one deleting statement, so that none runs into the statement time-out. */
const REMOVED_AT_ONCE = 20_000

/** As `period` is written: hours of UTC, days of the installation's time zone. */
const UNITS = [
  { unit: 'hour', format: 'YYYY-MM-DD"T"HH24', step: '1 hour' },
  { unit: 'day', format: 'YYYY-MM-DD', step: '1 day' },
] as const

type Unit = (typeof UNITS)[number]

/**
 * The periods of one unit that the range touches. Their bounds are made of the clock on the wall there, so a day has 23
 * or 25 hours where the clocks are changed.
 */
const periodsIn = ({ unit, format, step }: Unit, periods: RollUpPeriods): Prisma.Sql => {
  const { from, to, keptFrom, hoursFrom, timeZone } = periods
  const zone = unit === 'hour' ? 'UTC' : timeZone
  const bounds = [keptFrom, unit === 'hour' ? hoursFrom : null].filter((bound) => bound !== null)
  const first = bounds.length === 0 ? null : new Date(Math.max(...bounds.map((bound) => bound.getTime())))
  return Prisma.sql`period AS (
    SELECT ${unit}::statistics_unit AS unit, to_char(wall, ${format}) AS period,
      wall AT TIME ZONE ${zone} AS begins, (wall + ${step}::interval) AT TIME ZONE ${zone} AS ends
    FROM generate_series(date_trunc(${unit}, ${from}::timestamptz AT TIME ZONE ${zone}),
      ${to}::timestamptz AT TIME ZONE ${zone}, ${step}::interval) AS wall
    WHERE wall < ${to}::timestamptz AT TIME ZONE ${zone}
      AND wall AT TIME ZONE ${zone} >= coalesce(${first}::timestamptz, '-infinity'))`
}

export class PrismaRollUpRepository implements RollUpRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async lock(figure: Figure): Promise<RollUpMark> {
    await this.tx.$executeRaw`INSERT INTO statistics_cursor (name) VALUES (${figure}) ON CONFLICT DO NOTHING`
    const [mark] = await this.tx.$queryRaw<RollUpMark[]>`
      SELECT rolled_until AS "rolledUntil", kept_from AS "keptFrom", looked_at AS "lookedAt"
      FROM statistics_cursor WHERE name = ${figure} FOR UPDATE`
    if (mark === undefined) throw new Error(`the mark of ${figure} is gone`)
    return mark
  }

  async save(figure: Figure, mark: Partial<RollUpMark>) {
    await this.tx.statisticsCursor.update({ where: { name: figure }, data: mark })
  }

  async earliest(figure: Figure) {
    const [row] = await this.tx.$queryRaw<{ at: Date | null }[]>(FIRST_FACTS[figure])
    return row?.at ?? null
  }

  async earliestWrittenSince(figure: Figure, since: Date) {
    // All others are written in the transaction that makes them so, with its time.
    if (figure !== 'api') return null
    const [row] = await this.tx.$queryRaw<{ at: Date | null }[]>`
      SELECT min(minute) AS at FROM api_minute WHERE flushed_at >= ${since}`
    return row?.at ?? null
  }

  async replace(figure: Figure, periods: RollUpPeriods) {
    const table = Prisma.raw(FIGURE_TABLES[figure])
    const rows = FIGURE_ROWS[figure](periods.now)
    for (const unit of UNITS) {
      const period = periodsIn(unit, periods)
      await this.tx.$executeRaw`
        WITH ${period} DELETE FROM ${table} t USING period p WHERE t.unit = p.unit AND t.period = p.period`
      await this.tx.$executeRaw`WITH ${period} INSERT INTO ${table} ${rows}`
    }
  }

  async removeSources(figure: Figure, before: Date) {
    const removed = await this.removeSome(figure, before)
    return { removed, more: removed === REMOVED_AT_ONCE }
  }

  async removeHours(before: Date) {
    let removed = 0
    for (const table of Object.values(FIGURE_TABLES)) {
      removed += await this.tx.$executeRaw`
        DELETE FROM ${Prisma.raw(table)} WHERE ctid = ANY(ARRAY(
          SELECT ctid FROM ${Prisma.raw(table)} WHERE unit = 'hour' AND begins < ${before} LIMIT ${REMOVED_AT_ONCE}))`
    }
    return removed
  }

  private async removeSome(figure: Figure, before: Date): Promise<number> {
    if (figure === 'api') {
      return this.tx.$executeRaw`DELETE FROM api_minute WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM api_minute WHERE minute < ${before} LIMIT ${REMOVED_AT_ONCE}))`
    }
    if (figure === 'printers') {
      return this.tx.$executeRaw`DELETE FROM printer_state_span WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM printer_state_span WHERE until < ${before} LIMIT ${REMOVED_AT_ONCE}))`
    }
    return 0 // attempts are kept for ever
  }
}

export class PrismaApiUseRepository implements ApiUseRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async save(instanceId: string, minutes: ApiMinute[]) {
    await this.tx.$executeRaw`
      INSERT INTO api_minute (instance_id, minute, procedure, calls, errors)
      SELECT ${instanceId}, minute, procedure, calls, errors
      FROM jsonb_to_recordset(${JSON.stringify(minutes)}::jsonb)
        AS said (minute timestamptz, procedure text, calls int, errors int)
      ON CONFLICT (instance_id, minute, procedure)
      DO UPDATE SET calls = EXCLUDED.calls, errors = EXCLUDED.errors, flushed_at = now()
      WHERE (api_minute.calls, api_minute.errors) <> (EXCLUDED.calls, EXCLUDED.errors)`
  }
}
