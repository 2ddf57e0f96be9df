import type { ApiUseFigures, FilamentFigures, PrinterTimeFigures, PrintFigures } from '@gantry/schemas'

import { seesEverything, type Actor } from '../kernel/index.js'
import type { FigureQuery, StatisticsRepository } from '../modules/statistics/statistics.ports.js'
import { Prisma } from './generated/client.js'

/** Periods of `s` that begin within the query's range. */
const within = ({ by, from, to }: FigureQuery): Prisma.Sql =>
  Prisma.sql`s.unit = ${by}::statistics_unit AND s.begins >= ${from} AND s.begins < ${to}`

/** Printers of the actor's groups, as they are grouped now; those that were removed have their history. */
const onVisiblePrinters = ({ scope }: Actor): Prisma.Sql =>
  scope.printerGroups === 'all'
    ? Prisma.sql`true`
    : Prisma.sql`s.printer_id IN (SELECT id FROM printer WHERE group_id = ANY(${[...scope.printerGroups]}))`

/** What belongs to no project is seen by whoever may see all of them. */
const ofVisibleProjects = ({ scope }: Actor): Prisma.Sql =>
  scope.projects === 'all' ? Prisma.sql`true` : Prisma.sql`s.project_id = ANY(${[...scope.projects]})`

const equals = (column: string, id: string | null): Prisma.Sql =>
  id === null ? Prisma.sql`true` : Prisma.sql`${Prisma.raw(column)} = ${id}`

export class PrismaStatisticsRepository implements StatisticsRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  prints(actor: Actor, query: FigureQuery & { printerId: string | null; projectId: string | null }) {
    return this.tx.$queryRaw<PrintFigures[]>`
      SELECT s.period, s.begins, sum(s.started)::int AS started, sum(s.completed)::int AS completed,
        sum(s.failed)::int AS failed, sum(s.cancelled)::int AS cancelled, sum(s.revoked)::int AS revoked,
        sum(s.print_seconds) AS "printSeconds"
      FROM statistics_print s
      WHERE ${within(query)} AND ${onVisiblePrinters(actor)} AND ${ofVisibleProjects(actor)}
        AND ${equals('s.printer_id', query.printerId)} AND ${equals('s.project_id', query.projectId)}
      GROUP BY s.period, s.begins ORDER BY s.begins LIMIT ${query.limit}`
  }

  printers(actor: Actor, query: FigureQuery & { printerId: string | null; each: boolean }) {
    const printer = query.each ? Prisma.sql`s.printer_id` : Prisma.sql`NULL::text`
    return this.tx.$queryRaw<PrinterTimeFigures[]>`
      SELECT s.period, s.begins, ${printer} AS "printerId", s.state, sum(s.seconds) AS seconds
      FROM statistics_printer_state s
      WHERE ${within(query)} AND ${onVisiblePrinters(actor)} AND ${equals('s.printer_id', query.printerId)}
      GROUP BY 1, 2, 3, 4 ORDER BY s.begins, 3, 4 LIMIT ${query.limit}`
  }

  filament(actor: Actor, query: FigureQuery & { printerId: string | null }) {
    return this.tx.$queryRaw<FilamentFigures[]>`
      SELECT s.period, s.begins, nullif(s.material, '') AS material, sum(s.used_mm) AS "usedMm",
        sum(s.used_grams) AS "usedGrams"
      FROM statistics_filament s
      WHERE ${within(query)} AND ${onVisiblePrinters(actor)} AND ${ofVisibleProjects(actor)}
        AND ${equals('s.printer_id', query.printerId)}
      GROUP BY 1, 2, 3 ORDER BY s.begins, 3 LIMIT ${query.limit}`
  }

  async api({ scope }: Actor, query: FigureQuery & { each: boolean }): Promise<ApiUseFigures[]> {
    if (!seesEverything(scope)) return []
    const procedure = query.each ? Prisma.sql`s.procedure` : Prisma.sql`NULL::text`
    return this.tx.$queryRaw<ApiUseFigures[]>`
      SELECT s.period, s.begins, ${procedure} AS procedure, sum(s.calls)::int AS calls, sum(s.errors)::int AS errors
      FROM statistics_api s WHERE ${within(query)}
      GROUP BY 1, 2, 3 ORDER BY s.begins, 3 LIMIT ${query.limit}`
  }
}
