import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg'

import { withConnection } from './connection.js'
import { checksumOf, hasRecords, MARK } from './interrupted.js'

interface Recorded {
  name: string
  checksum: string
  finished: boolean
  marked: boolean
}

/**
 * Whether each migration of the folder is recorded as it is there, and nothing waits to be settled. Told without the
 * engine and its lock: a server that starts again, as most starts are, would else spend longer on loading the engine than
 * on anything else.
 * @throws MigrationError when the database cannot be reached
 */
export function isUpToDate(databaseUrl: string, { migrationDirectories }: MigrationList): Promise<boolean> {
  return withConnection(databaseUrl, async (client) => {
    if (migrationDirectories.length === 0 || !(await hasRecords(client))) return false
    const { rows } = await client.query<Recorded>(
      `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished, ${MARK} IS NOT NULL AS marked
       FROM _prisma_migrations WHERE rolled_back_at IS NULL`,
    )
    if (rows.some(({ finished, marked }) => !finished || marked)) return false
    const recorded = new Map(rows.map(({ name, checksum }) => [name, checksum]))
    return migrationDirectories.every(
      ({ path, migrationFile: { content } }) =>
        content.tag === 'ok' && recorded.get(path) === checksumOf(content.value),
    )
  })
}
