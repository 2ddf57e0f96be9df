import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import { inject } from 'vitest'

import { databaseUrl, runSql, TEMPLATE_DATABASE } from './template-database.js'

const INSUFFICIENT_PRIVILEGE = '42501'
const DROP_TRIES = 40
const DROP_PAUSE_MS = 250

export interface TestDatabase extends AsyncDisposable {
  url: string
  /** Drops the database, cutting sessions that are still open. Idempotent. */
  drop: () => Promise<void>
}

export interface TestDatabaseOptions {
  /** Start without any table. @default false: with all migrations applied */
  empty?: boolean
}

/** A database of its own for one test, on the PostgreSQL of the test run. */
export async function createTestDatabase({ empty = false }: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const serverUrl = inject('postgresUrl')
  const name = `test_${randomBytes(8).toString('hex')}`
  await runSql(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${empty ? 'template0' : TEMPLATE_DATABASE}`)
  const drop = () => dropDatabase(serverUrl, name)
  return { url: databaseUrl(serverUrl, name), drop, [Symbol.asyncDispose]: drop }
}

/** The server's own cleaner of tables may be at work in the database; it lets nobody end it, and is soon done. */
async function dropDatabase(serverUrl: string, name: string): Promise<void> {
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
