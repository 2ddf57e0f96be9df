import { randomBytes } from 'node:crypto'

import { inject } from 'vitest'

import { databaseUrl, dropDatabase, runSql, TEMPLATE_DATABASE } from './template-database.js'

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
