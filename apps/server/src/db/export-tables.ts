import type { ExportKind } from '@gantry/schemas'

import type { Cell, ExportTables, RowPage, RowsOf } from '../modules/exports/exports.ports.js'
import { exportSources, type ExportSource } from './export-sources.js'
import { Prisma } from './generated/client.js'

/** What a `full` export holds beside the daily figures. */
const OWN_TABLES = [
  'profile',
  'sessions',
  'apiKeys',
  'projects',
  'jobs',
  'attempts',
  'files',
  'commands',
  'events',
  'activity',
]
const FARM_TABLES = ['projects', 'jobs', 'attempts']

/** Pages by the key of the last row: each statement is short, and none holds back the database's clearing of rows. */
export class PrismaExportTables implements ExportTables {
  constructor(
    private readonly reads: Prisma.TransactionClient,
    /** In which `analytics` says what a day is. */
    private readonly timeZone: string,
  ) {}

  names(kind: ExportKind, of: RowsOf): readonly string[] {
    if (kind !== 'full') return [kind]
    return [...(of === 'farm' ? FARM_TABLES : OWN_TABLES), 'analytics']
  }

  columns(table: string, of: RowsOf): readonly string[] {
    return Object.keys(this.source(table, of).columns)
  }

  async count(table: string, of: RowsOf): Promise<number> {
    const { from, where } = this.source(table, of)
    const [row] = await this.reads.$queryRaw<{ n: number }[]>`SELECT count(*)::int AS n FROM ${from} WHERE ${where}`
    return row?.n ?? 0
  }

  async page(table: string, of: RowsOf, after: string | null, limit: number): Promise<RowPage> {
    const { columns, from, where, key, keyType } = this.source(table, of)
    const names = Object.keys(columns)
    const list = Prisma.join(names.map((name) => Prisma.sql`${columns[name]} AS ${Prisma.raw(`"${name}"`)}`))
    const behind = after === null ? Prisma.empty : Prisma.sql`AND ${key} > ${after}::text::${Prisma.raw(keyType)}`
    const found = await this.reads.$queryRaw<Record<string, Cell>[]>`
      SELECT ${key}::text AS "the key", ${list} FROM ${from} WHERE ${where} ${behind} ORDER BY ${key} LIMIT ${limit}`
    const last = found.at(-1)?.['the key']
    return {
      rows: found.map((row) => names.map((name) => row[name] ?? null)),
      next: found.length === limit && typeof last === 'string' ? last : null,
    }
  }

  private source(table: string, of: RowsOf): ExportSource {
    const source = exportSources(of, this.timeZone)[table]
    if (source === undefined)
      throw new Error(`no table ${table} is exported of ${of === 'farm' ? 'the farm' : 'a user'}`)
    return source
  }
}
