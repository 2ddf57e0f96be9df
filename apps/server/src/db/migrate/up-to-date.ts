import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg'

import { withConnection } from './connection.js'
import { checksumOf, hasRecords, MARK } from './interrupted.js'

export interface Recorded {
  name: string
  checksum: string
  finished: boolean
  marked: boolean
}

/** Of every migration that is not taken back. */
const RECORDS = `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished, ${MARK} IS NOT NULL AS marked
  FROM _prisma_migrations WHERE rolled_back_at IS NULL`

/**
 * Whether each migration of the folder is recorded as it is there, and nothing waits to be settled. Told without the
 * engine and its lock: a server that starts again, as most starts are, would else spend longer on loading the engine than
 * on anything else.
 * @throws MigrationError when the database cannot be reached
 */
export function isUpToDate(databaseUrl: string, { migrationDirectories }: MigrationList): Promise<boolean> {
  return withConnection(databaseUrl, async (client) => {
    if (migrationDirectories.length === 0 || !(await hasRecords(client))) return false
    const { rows } = await client.query<Recorded>(RECORDS)
    return (
      rows.every(({ finished, marked }) => finished && !marked) && missingIn(rows, migrationDirectories).length === 0
    )
  })
}

/**
 * The migrations of the folder that a running server's database lacks: another database may stand in its place, or an
 * old copy of it. What a newer version has applied, or is applying just now, is none of this one's concern.
 * @param query runs a statement; what it throws is thrown
 */
export async function missingMigrations(
  query: (sql: string) => Promise<Recorded[]>,
  { migrationDirectories }: MigrationList,
): Promise<string[]> {
  const rows = await query(RECORDS)
  return missingIn(
    rows.filter(({ finished }) => finished),
    migrationDirectories,
  )
}

function missingIn(rows: readonly Recorded[], directories: MigrationList['migrationDirectories']): string[] {
  const recorded = new Map(rows.map(({ name, checksum }) => [name, checksum]))
  const isMissing = ({ path, migrationFile: { content } }: (typeof directories)[number]) =>
    content.tag !== 'ok' || recorded.get(path) !== checksumOf(content.value)
  return directories.filter(isMissing).map(({ path }) => path)
}
