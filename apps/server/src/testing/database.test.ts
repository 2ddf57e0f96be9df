import { expect, it } from 'vitest'

import { withConnection } from '../db/migrate/connection.js'
import { migrationNames } from '../db/migrate/migration-files.js'

import { createTestDatabase } from './database.js'

const prismaFolder = new URL('../../../../prisma', import.meta.url).pathname

function firstColumn(url: string, sql: string): Promise<unknown[]> {
  return withConnection(url, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(sql)
    return rows.map((row) => Object.values(row)[0])
  })
}

it('makes databases with all migrations, each on its own', async () => {
  await using one = await createTestDatabase()
  await using other = await createTestDatabase()
  const applied = await firstColumn(one.url, 'SELECT migration_name FROM _prisma_migrations ORDER BY 1')
  expect(applied).toEqual(await migrationNames(prismaFolder))
  await firstColumn(one.url, 'CREATE TABLE only_here ()')
  expect(await firstColumn(other.url, `SELECT to_regclass('only_here')`)).toEqual([null])
})

it('drops a database with sessions open, and asks no second time', async () => {
  const database = await createTestDatabase({ empty: true })
  const session = withConnection(database.url, (client) => client.query('SELECT pg_sleep(600)'))
  const cut = expect(session).rejects.toThrow()
  await expect
    .poll(() =>
      firstColumn(
        database.url,
        `SELECT count(*)::int FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(6%' AND datname = current_database() AND pid <> pg_backend_pid()`,
      ),
    )
    .toEqual([1])
  await database.drop()
  await cut
  await database.drop()
  await expect(withConnection(database.url, () => Promise.resolve())).rejects.toMatchObject({
    code: 'database_missing',
  })
})
