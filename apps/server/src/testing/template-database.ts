import { setTimeout as sleep } from 'node:timers/promises'

import { withConnection } from '../db/migrate/connection.js'
import { migrationNames } from '../db/migrate/migration-files.js'
import { deploy } from '../db/migrate/migrations.js'

export const TEMPLATE_DATABASE = 'gantry_test_template'

/** Makes the database from which the tests' databases are copied; empty while there are no migrations. */
export async function createTemplateDatabase(serverUrl: string, prismaFolder: string): Promise<void> {
  await runSql(serverUrl, `CREATE DATABASE ${TEMPLATE_DATABASE}`)
  if ((await migrationNames(prismaFolder)).length === 0) return
  await deploy({ databaseUrl: databaseUrl(serverUrl, TEMPLATE_DATABASE), prismaFolder })
}

export function runSql(serverUrl: string, sql: string): Promise<void> {
  return withConnection(serverUrl, async (client) => {
    await client.query(sql)
  })
}

/** The connection string of another database on the same server. */
export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

const INSUFFICIENT_PRIVILEGE = '42501'
const DROP_TRIES = 40
const DROP_PAUSE_MS = 250

/**
 * Drops the database, cutting sessions that are still open. The server's own cleaner of tables may be at work in it; it
 * lets nobody end it, and is soon done.
 */
export async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      await runSql(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      return
    } catch (error) {
      if (tried === DROP_TRIES || (error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE) throw error
      await sleep(DROP_PAUSE_MS)
    }
  }
}
