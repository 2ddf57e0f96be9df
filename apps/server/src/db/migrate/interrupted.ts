import { createHash } from 'node:crypto'

import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg'
import type pg from 'pg'

import { withConnection } from './connection.js'
import { toMigrationError } from './errors.js'

/** The advisory lock that Prisma's engine holds while it migrates. */
const PRISMA_LOCK = 72_707_369

export interface SettleOptions {
  databaseUrl: string
  lockTimeoutSeconds: number
}

/**
 * A process killed in the middle of a migration leaves a record that neither finished nor failed, and the server may
 * have committed the script or not. Since a script commits together with the mark that {@link markedScript} puts behind
 * it, the record can be completed or taken back without asking a person. A mark that has no more use is taken away, so
 * that the table is as Prisma leaves it.
 * @throws MigrationError `lock_timeout`
 */
export async function settleInterrupted(options: SettleOptions, migrations: MigrationList): Promise<void> {
  const atomic = atomicChecksums(migrations)
  await withConnection(options.databaseUrl, async (client) => {
    if (!(await hasRecords(client))) return
    try {
      // The killed process's session may still be at work; it holds the lock until it ends.
      await client.query(`SET lock_timeout = ${Math.ceil(options.lockTimeoutSeconds * 1000)}`)
      await client.query('SELECT pg_advisory_lock($1)', [PRISMA_LOCK])
    } catch (error) {
      throw toMigrationError(error)
    }
    await client.query(
      `UPDATE _prisma_migrations SET
         finished_at = CASE WHEN checksum = ${MARK} THEN now() END,
         applied_steps_count = CASE WHEN checksum = ${MARK} THEN 1 ELSE 0 END,
         rolled_back_at = CASE WHEN checksum IS DISTINCT FROM ${MARK} THEN now() END
       WHERE ${UNSETTLED} AND logs IS NULL AND checksum = ANY($1)`,
      [atomic],
    )
    const unused = `SELECT WHERE ${MARK} IS NOT NULL AND NOT EXISTS (SELECT FROM _prisma_migrations WHERE ${UNSETTLED})`
    if ((await client.query(unused)).rowCount === 1) await client.query('COMMENT ON TABLE _prisma_migrations IS NULL')
  })
}

/** The script with a mark that is committed with it; a script that cannot be in a transaction stays as it is. */
export function markedScript(script: string): string {
  return isAtomic(script) ? `${script}\n;COMMENT ON TABLE "_prisma_migrations" IS '${checksumOf(script)}';` : script
}

const UNSETTLED = 'finished_at IS NULL AND rolled_back_at IS NULL'
export const MARK = `obj_description('_prisma_migrations'::regclass)`

export async function hasRecords(client: pg.Client): Promise<boolean> {
  return (await client.query(`SELECT WHERE to_regclass('_prisma_migrations') IS NOT NULL`)).rowCount === 1
}

function atomicChecksums({ migrationDirectories }: MigrationList): string[] {
  const contents = migrationDirectories.map(({ migrationFile }) => migrationFile.content)
  return contents.flatMap((content) =>
    content.tag === 'ok' && isAtomic(content.value) ? [checksumOf(content.value)] : [],
  )
}

/** Errs on the safe side: a word in a comment only costs the automatic recovery. */
function isAtomic(script: string): boolean {
  return !/\b(CONCURRENTLY|VACUUM|BEGIN\s*;|COMMIT|START\s+TRANSACTION|ALTER\s+SYSTEM|(CREATE|DROP)\s+DATABASE)\b/i.test(
    script,
  )
}

export function checksumOf(script: string): string {
  return createHash('sha256').update(script).digest('hex')
}
