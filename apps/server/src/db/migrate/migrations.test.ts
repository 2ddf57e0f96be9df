import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import type pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { createTestDatabase, type TestDatabase } from '../../testing/database.js'

import { runMigrateCommand } from './cli.js'
import { createMigration } from './create-migration.js'
import { withConnection } from './connection.js'
import { deploy, drift, markRolledBack, status, type MigrateOptions } from './migrations.js'

const SCHEMA = `
generator client {
  provider = "prisma-client"
  output   = "generated"
}

datasource db {
  provider = "postgresql"
}

model Printer {
  id   String @id
  name String
}
`
const fixture = fileURLToPath(new URL('../../../test/fixtures/deploy-migrations.ts', import.meta.url))
const FIRST = '20260101000000_first'
const SECOND = '20260102000000_second'
const PRINTERS =
  'CREATE TABLE "Printer" ("id" TEXT NOT NULL, "name" TEXT NOT NULL, CONSTRAINT "Printer_pkey" PRIMARY KEY ("id"));\n'

let database: TestDatabase
let options: MigrateOptions

beforeEach(async () => {
  database = await createTestDatabase({ empty: true })
  const prismaFolder = await mkdtemp(path.join(tmpdir(), 'gantry-prisma-'))
  options = { databaseUrl: database.url, prismaFolder }
  await writeFile(path.join(prismaFolder, 'schema.prisma'), SCHEMA)
  await mkdir(path.join(prismaFolder, 'migrations'))
  await writeFile(path.join(prismaFolder, 'migrations', 'migration_lock.toml'), 'provider = "postgresql"\n')
})

afterEach(async () => {
  await database.drop()
  await rm(options.prismaFolder, { recursive: true, force: true })
})

async function addMigration(name: string, sql: string): Promise<void> {
  const folder = path.join(options.prismaFolder, 'migrations', name)
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'migration.sql'), sql)
}

function query(sql: string): Promise<pg.QueryResult<Record<string, unknown>>> {
  return withConnection(database.url, (client) => client.query<Record<string, unknown>>(sql))
}

const tables = async () =>
  (await query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)).rows.map(
    (row) => row['tablename'],
  )

describe('deploy', () => {
  it('applies every migration to a fresh database and then finds nothing to do', async () => {
    await addMigration(FIRST, PRINTERS)
    await addMigration(SECOND, 'ALTER TABLE "Printer" ADD COLUMN "bed" TEXT;')
    expect(await status(options)).toEqual({ pending: [FIRST, SECOND], unresolved: [], edited: [], unknown: [] })
    expect(await deploy(options)).toEqual([FIRST, SECOND])
    expect(await deploy(options)).toEqual([])
    expect(await status(options)).toEqual({ pending: [], unresolved: [], edited: [], unknown: [] })
  })

  it('does nothing without migrations', async () => {
    expect(await deploy(options)).toEqual([])
    expect((await status(options)).pending).toEqual([])
  })

  it('keeps the record that Prisma keeps', async () => {
    await addMigration(FIRST, PRINTERS)
    await deploy(options)
    const { rows } = await query('SELECT * FROM _prisma_migrations')
    expect(rows).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        checksum: createHash('sha256').update(PRINTERS).digest('hex'),
        finished_at: expect.any(Date) as Date,
        migration_name: FIRST,
        logs: null,
        rolled_back_at: null,
        started_at: expect.any(Date) as Date,
        applied_steps_count: 1,
      },
    ])
    const columns = await query(
      `SELECT column_name AS n, data_type AS t, character_maximum_length AS l, is_nullable AS o, column_default AS d
         FROM information_schema.columns WHERE table_name = '_prisma_migrations' ORDER BY ordinal_position`,
    )
    expect(columns.rows.map((row) => Object.values(row))).toEqual([
      ['id', 'character varying', 36, 'NO', null],
      ['checksum', 'character varying', 64, 'NO', null],
      ['finished_at', 'timestamp with time zone', null, 'YES', null],
      ['migration_name', 'character varying', 255, 'NO', null],
      ['logs', 'text', null, 'YES', null],
      ['rolled_back_at', 'timestamp with time zone', null, 'YES', null],
      ['started_at', 'timestamp with time zone', null, 'NO', 'now()'],
      ['applied_steps_count', 'integer', null, 'NO', '0'],
    ])
  })

  it('takes semicolons in bodies, strings and comments for what they are', async () => {
    await addMigration(
      FIRST,
      `${PRINTERS}
       -- a comment; with one
       CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN NEW."name" := upper(NEW."name") || ';'; RETURN NEW; END; $$;
       CREATE TRIGGER shouting BEFORE INSERT ON "Printer" FOR EACH ROW EXECUTE FUNCTION shout();
       INSERT INTO "Printer" VALUES ('p1', 'a;b');`,
    )
    await deploy(options)
    expect((await query('SELECT "name" FROM "Printer"')).rows).toEqual([{ name: 'A;B;' }])
  })

  it('rolls a failing migration back as a whole, refuses to go on, and tries again when that is resolved', async () => {
    await addMigration(FIRST, PRINTERS)
    await addMigration(SECOND, 'CREATE TABLE "Left" ("id" INTEGER);\nSELECT no_such_function();')
    await expect(deploy(options)).rejects.toMatchObject({
      code: 'migration_failed',
      details: { migrations: [SECOND] },
      message: expect.stringContaining('no_such_function') as string,
    })
    expect(await tables()).toEqual(['Printer', '_prisma_migrations'])
    await expect(deploy(options)).rejects.toMatchObject({
      code: 'migration_unresolved',
      details: { migrations: [SECOND] },
    })
    expect((await status(options)).unresolved).toEqual([SECOND])
    await addMigration(SECOND, 'CREATE TABLE "Left" ("id" INTEGER);')
    await markRolledBack(options, SECOND)
    expect(await deploy(options)).toEqual([SECOND])
    expect(await tables()).toEqual(['Left', 'Printer', '_prisma_migrations'])
  })

  it('refuses a database with tables of somebody else', async () => {
    await addMigration(FIRST, PRINTERS)
    await query('CREATE TABLE foreigner (id INTEGER)')
    await expect(deploy(options)).rejects.toMatchObject({ code: 'database_not_empty' })
    expect(await tables()).toEqual(['foreigner'])
  })

  it('refuses migrations that were edited after they had been applied', async () => {
    await addMigration(FIRST, PRINTERS)
    await deploy(options)
    await addMigration(FIRST, `${PRINTERS}-- changed`)
    await addMigration(SECOND, 'CREATE TABLE "Second" ("id" INTEGER);')
    await expect(deploy(options)).rejects.toMatchObject({ code: 'migration_edited', details: { migrations: [FIRST] } })
    expect(await status(options)).toMatchObject({ edited: [FIRST], pending: [SECOND] })
    expect(await tables()).toEqual(['Printer', '_prisma_migrations'])
  })

  it('is done once by two at the same time', async () => {
    await addMigration(FIRST, `SELECT pg_sleep(0.3);\n${PRINTERS}`)
    const results = await Promise.all([deploy(options), deploy(options)])
    expect(results.sort((a, b) => a.length - b.length)).toEqual([[], [FIRST]])
    expect((await query('SELECT count(*)::int AS n FROM _prisma_migrations')).rows).toEqual([{ n: 1 }])
  })

  it('gives up when somebody else keeps the migration lock', async () => {
    await addMigration(FIRST, PRINTERS)
    await withConnection(database.url, async (client) => {
      await client.query('SELECT pg_advisory_lock(72707369)')
      await expect(deploy({ ...options, lockTimeoutSeconds: 0.3 })).rejects.toMatchObject({ code: 'lock_timeout' })
    })
    expect(await deploy(options)).toEqual([FIRST])
  })

  it('waits for nobody when there is nothing to do', async () => {
    await addMigration(FIRST, PRINTERS)
    await deploy(options)
    await withConnection(database.url, async (client) => {
      await client.query('SELECT pg_advisory_lock(72707369)')
      expect(await deploy({ ...options, lockTimeoutSeconds: 0.3 })).toEqual([])
      await addMigration(SECOND, 'SELECT 1;')
      await expect(deploy({ ...options, lockTimeoutSeconds: 0.3 })).rejects.toMatchObject({ code: 'lock_timeout' })
    })
  })

  it.each([
    ['a server that does not answer', 'database_unreachable', (url: URL) => (url.port = '1')],
    ['a wrong password', 'database_access_denied', (url: URL) => (url.password = 'wrong')],
    ['a database that does not exist', 'database_missing', (url: URL) => (url.pathname = '/nowhere')],
    ['a certificate that is not there', 'database_unreachable', (url: URL) => (url.search = '?sslrootcert=/nowhere')],
    ['a server without TLS that must have it', 'database_unreachable', (url: URL) => (url.search = '?ssl=true')],
  ])('tells of %s', async (_what, code, change) => {
    const url = new URL(database.url)
    change(url)
    const failure = deploy({ ...options, databaseUrl: url.href })
    await expect(failure).rejects.toMatchObject({ code, message: expect.stringContaining('DATABASE_URL') as string })
    await expect(failure).rejects.not.toThrow(new URL(database.url).password)
  })

  it('tells of a migration folder without its file and of a schema that does not parse', async () => {
    await mkdir(path.join(options.prismaFolder, 'migrations', FIRST))
    await expect(deploy(options)).rejects.toMatchObject({ code: 'files_unreadable' })
    await rm(path.join(options.prismaFolder, 'migrations', FIRST), { recursive: true })
    await writeFile(
      path.join(options.prismaFolder, 'schema.prisma'),
      `${SCHEMA}\nmodel Broken {\n  id Nothing @id\n}\n`,
    )
    await expect(drift(options)).rejects.toMatchObject({
      code: 'engine_failed',
      message: expect.stringContaining('Nothing') as string,
    })
  })

  it('reports migrations that only the database knows', async () => {
    await addMigration(FIRST, PRINTERS)
    await addMigration(SECOND, 'SELECT 1;')
    await deploy(options)
    await rm(path.join(options.prismaFolder, 'migrations', SECOND), { recursive: true })
    expect(await status(options)).toMatchObject({ unknown: [SECOND], pending: [] })
  })
})

describe('after a deploy was killed', () => {
  const record = `UPDATE _prisma_migrations SET finished_at = NULL, applied_steps_count = 0`
  const mark = (sql: string) =>
    `COMMENT ON TABLE _prisma_migrations IS '${createHash('sha256').update(sql).digest('hex')}'`

  it('a migration that the server committed is taken as done', async () => {
    await addMigration(FIRST, PRINTERS)
    await deploy(options)
    await query(`${record}; ${mark(PRINTERS)}`)
    await addMigration(SECOND, 'CREATE TABLE "Second" ("id" INTEGER);')
    expect(await deploy(options)).toEqual([SECOND])
    expect(await status(options)).toEqual({ pending: [], unresolved: [], edited: [], unknown: [] })
  })

  it('a migration that the server did not commit is applied again', async () => {
    await addMigration(FIRST, PRINTERS)
    await deploy(options)
    await query(`${record}; DROP TABLE "Printer"`)
    expect(await deploy(options)).toEqual([FIRST])
    expect(await tables()).toEqual(['Printer', '_prisma_migrations'])
  })

  it('a migration that cannot be atomic waits for a person', async () => {
    await addMigration(FIRST, PRINTERS)
    await addMigration(SECOND, 'CREATE INDEX CONCURRENTLY named ON "Printer" ("name");')
    expect(await deploy(options)).toEqual([FIRST, SECOND])
    await query(`${record} WHERE migration_name = '${SECOND}'`)
    await expect(deploy(options)).rejects.toMatchObject({ code: 'migration_unresolved' })
  })

  it('a process really killed blocks nobody, whichever moment it was', async () => {
    const sql = `CREATE TABLE "Begun" ("id" INTEGER);\nSELECT pg_sleep(0.5);\n${PRINTERS}`
    await addMigration(FIRST, sql)
    const child = spawn(process.execPath, [
      '--import',
      'tsx',
      '--conditions=gantry-source',
      fixture,
      database.url,
      options.prismaFolder,
    ])
    const exited = once(child, 'exit')
    await expect
      .poll(() => query(`SELECT FROM pg_stat_activity WHERE query LIKE '%"Begun"%' AND pid <> pg_backend_pid()`), {
        timeout: 20_000,
      })
      .toMatchObject({ rowCount: 1 })
    child.kill('SIGKILL')
    await exited
    await deploy(options)
    expect(await deploy(options)).toEqual([])
    expect(await tables()).toEqual(['Begun', 'Printer', '_prisma_migrations'])
    expect(await query(`SELECT obj_description('_prisma_migrations'::regclass) AS mark`)).toMatchObject({
      rows: [{ mark: null }],
    })
  })
})

describe('drift', () => {
  it('is none when only what a schema cannot say was added, and is SQL when the tables differ', async () => {
    await addMigration(
      FIRST,
      `${PRINTERS}
       CREATE UNIQUE INDEX one_named ON "Printer" ("name") WHERE "name" <> '';
       ALTER TABLE "Printer" ADD CONSTRAINT named CHECK ("name" <> 'x');`,
    )
    await deploy(options)
    expect(await drift(options)).toBeNull()
    await query('ALTER TABLE "Printer" ADD COLUMN "stray" TEXT')
    expect(await drift(options)).toContain('DROP COLUMN "stray"')
  })
})

describe('create', () => {
  const now = () => new Date('2026-02-03T04:05:06Z')

  it('writes the migration that leads to the schema, which can be deployed, and none after that', async () => {
    await rm(path.join(options.prismaFolder, 'migrations'), { recursive: true })
    expect(await createMigration(options, 'printers', now)).toBe('20260203040506_printers')
    expect(await tables()).toEqual([])
    expect(await deploy(options)).toEqual(['20260203040506_printers'])
    expect(await drift(options)).toBeNull()
    expect(await createMigration(options, 'more', now)).toBeNull()
    const databases = await query(`SELECT FROM pg_database WHERE datname LIKE 'gantry_scratch%'`)
    expect(databases.rowCount).toBe(0)
  })

  it('leaves nothing behind when the existing migrations fail', async () => {
    await addMigration(FIRST, 'SELECT no_such_function();')
    await expect(createMigration(options, 'printers', now)).rejects.toMatchObject({ code: 'migration_failed' })
    expect(await readdir(options.prismaFolder)).toEqual(['migrations', 'schema.prisma'])
    await expect(createMigration(options, '../up', now)).rejects.toMatchObject({ code: 'files_unreadable' })
  })
})

describe('the command line', () => {
  async function command(...words: string[]): Promise<{ exitCode: number; output: string }> {
    const lines: string[] = []
    const print = (line: string) => lines.push(line)
    const { databaseUrl, prismaFolder } = options
    const exitCode = await runMigrateCommand({ arguments: words, database: { databaseUrl }, prismaFolder, print })
    return { exitCode, output: lines.join('\n') }
  }

  it('deploys by default and tells what it did', async () => {
    await addMigration(FIRST, PRINTERS)
    expect(await command('status')).toEqual({ exitCode: 1, output: `pending ${FIRST}` })
    expect(await command()).toEqual({ exitCode: 0, output: `applied ${FIRST}` })
    expect(await command()).toEqual({ exitCode: 0, output: 'The database is up to date.' })
    expect(await command('drift')).toEqual({ exitCode: 0, output: 'The database agrees with schema.prisma.' })
  })

  it('writes a migration and resolves a failed one', async () => {
    const created = await command('create', 'printers')
    const name = /migrations\/(\w+)\//.exec(created.output)?.[1]
    expect(
      await readFile(path.join(options.prismaFolder, 'migrations', String(name), 'migration.sql'), 'utf8'),
    ).toContain('CREATE TABLE "Printer"')
    await addMigration('20990101000000_bad', 'SELECT no_such_function();')
    expect((await command()).output).toMatch(/^migration_failed: .*no_such_function/)
    expect((await command()).output).toMatch(/^migration_unresolved: /)
    expect(await command('resolve', '20990101000000_bad')).toMatchObject({ exitCode: 0 })
    expect(await command('resolve', 'no_such_migration')).toMatchObject({ exitCode: 1 })
  })

  it('starts the embedded database when there is no server, and stops it again', async () => {
    await addMigration(FIRST, PRINTERS)
    const lines: string[] = []
    const exitCode = await runMigrateCommand({
      arguments: ['deploy'],
      database: { dataDir: path.join(options.prismaFolder, 'data') },
      prismaFolder: options.prismaFolder,
      print: (line) => lines.push(line),
    })
    expect({ exitCode, lines }).toEqual({ exitCode: 0, lines: [`applied ${FIRST}`] })
    await expect(stat(path.join(options.prismaFolder, 'data/postgres/cluster/postmaster.pid'))).rejects.toThrow(
      'ENOENT',
    )
  })

  it.each([[['unknown']], [['create']], [['deploy', 'x']], [['create', 'x', 'y']]])(
    'explains itself for %j',
    async (words) => {
      const { exitCode, output } = await command(...words)
      expect(exitCode).toBe(2)
      expect(output).toContain('Usage')
    },
  )
})
