import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

import pg from 'pg'
import { describe, expect, it } from 'vitest'

import { openTestDatabase, silentHook } from '../testing/open-database.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { createDatabase, type Database } from './client.js'
import { isUniqueViolation } from './errors.js'
import { createUnitOfWork } from './unit-of-work.js'

const INDEX = 'one_default_location'

const withPartialIndex = async () => {
  const database = await openTestDatabase()
  await database.prisma.$executeRawUnsafe(`create unique index ${INDEX} on location ((true)) where version = 7`)
  await database.prisma.location.create({ data: { id: 'first', name: 'first', version: 7 } })
  return database
}

const failureOf = async (call: () => Promise<unknown>): Promise<unknown> => {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

describe('a unique violation', () => {
  it('of a partial index is recognised by the index in model calls, raw queries and transactions', async () => {
    await using database = await withPartialIndex()
    const { prisma } = database
    const data = { id: 'second', name: 'second', version: 7 }
    const raw = `insert into location (id, name, version) values ('second', 'second', 7)`
    const calls = [
      () => prisma.location.create({ data }),
      () => prisma.$executeRawUnsafe(raw),
      () => prisma.$queryRawUnsafe(`${raw} returning id`),
      () => prisma.$transaction((tx) => tx.location.create({ data })),
      () => prisma.$transaction((tx) => tx.$executeRawUnsafe(raw)),
    ]
    for (const call of calls) expect(isUniqueViolation(await failureOf(call), INDEX)).toBe(true)
  })

  it('of another index and other errors are not taken for it', async () => {
    await using database = await withPartialIndex()
    const { prisma } = database
    const primaryKey = await failureOf(() => prisma.location.create({ data: { id: 'first', name: 'x' } }))
    expect(isUniqueViolation(primaryKey, INDEX)).toBe(false)
    expect(isUniqueViolation(primaryKey, 'location_pkey')).toBe(true)
    expect(isUniqueViolation(new Error(INDEX), INDEX)).toBe(false)
  })
})

describe('a database that cannot answer', () => {
  it('is UNAVAILABLE when the pool is exhausted', async () => {
    await using database = await openTestDatabase({ poolSize: 1, timeoutMs: 300 })
    const { prisma } = database
    // Somebody keeps the only connection for as long as the test looks.
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => (release = resolve))
    let seize: () => void = () => undefined
    const seized = new Promise<void>((resolve) => (seize = resolve))
    const holder = prisma.$transaction(async (tx) => {
      await tx.$queryRaw`select 1`
      seize()
      await released
    })
    await seized
    await expect(prisma.location.count()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    release()
    await holder
    await expect(prisma.location.count()).resolves.toBe(0)
  })

  it('is UNAVAILABLE when a statement takes too long, a connection is cut, or nobody lets us in', async () => {
    await using database = await openTestDatabase({ timeoutMs: 300 })
    await expect(database.prisma.$queryRaw`select pg_sleep(2)::text`).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(database.prisma.$queryRaw`select pg_terminate_backend(pg_backend_pid())`).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
    const refused = new URL(database.url)
    refused.username = 'nobody'
    for (const url of ['postgresql://nobody@127.0.0.1:1/none', refused.href]) {
      const closed = createDatabase({
        url,
        poolSize: 1,
        timeoutMs: 300,
        applicationName: 'test',
        log: recordingLogger(),
      })
      await expect(closed.prisma.location.count()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      await closed.close()
    }
  })

  it('is UNAVAILABLE when connections are reset or refused, to models, raw queries and transactions', async () => {
    let resets = 0
    const resetting = createServer((socket) => {
      resets += 1
      socket.on('error', () => undefined).once('data', () => socket.resetAndDestroy())
    }).listen(0, '127.0.0.1')
    await once(resetting, 'listening')
    const { port } = resetting.address() as AddressInfo
    const open = (url: string) =>
      createDatabase({ url, poolSize: 1, timeoutMs: 5_000, applicationName: 'test', log: recordingLogger() })
    const [reset, refused] = [open(`postgresql://any@127.0.0.1:${port}/any`), open('postgresql://any@127.0.0.1:1/any')]
    for (const { prisma } of [reset, refused]) {
      const unitOfWork = createUnitOfWork({ prisma, repositoriesFor: (tx) => ({ tx }), hook: silentHook })
      const calls = [
        () => prisma.location.count(),
        () => prisma.$queryRaw`select 1`,
        () => unitOfWork.run(({ tx }) => tx.location.count()),
      ]
      for (const call of calls) {
        await expect(call()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 1 })
      }
    }
    resets = 0
    await expect(reset.reads.$queryRaw`select 1`).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(resets).toBe(5) // whoever only reads tries again
    await Promise.all([reset.close(), refused.close()])
    resetting.close()
  })

  it('survives the loss of idle connections', async () => {
    await using database = await openTestDatabase()
    await database.prisma.location.count()
    const other = new pg.Client(database.url)
    await other.connect()
    await other.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    await other.end()
    await expect.poll(() => database.poolUsage().total).toBe(0)
    await expect(database.prisma.location.count()).resolves.toBe(0)
    expect(database.log.lines).toContainEqual(expect.objectContaining({ level: 'warn' }))
  })
})

describe('a connection that breaks', () => {
  it('under a single read is noticed by nobody: the read is made again', async () => {
    const operations: unknown[] = []
    await using database = await openTestDatabase({
      onOperation: ({ operation, failed }) => operations.push([operation, failed]),
    })
    await database.prisma.$executeRaw`create sequence fuse`
    const read = database.reads.$queryRaw`
      select case when nextval('fuse') = 1 then pg_terminate_backend(pg_backend_pid()) end is null as done`
    expect(await read).toEqual([{ done: true }])
    expect(await database.reads.location.count()).toBe(0)
    expect(operations).toContainEqual(['count', false])
  })

  it('under a write alone is told, and the write is not made again', async () => {
    await using database = await openTestDatabase()
    await database.prisma.$executeRaw`create sequence fuse`
    const insert = `insert into location (id, name)
      select 'one', case when nextval('fuse') > 0 then pg_terminate_backend(pg_backend_pid())::text end`
    await expect(database.reads.$executeRawUnsafe(insert)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const [fuse] = await database.prisma.$queryRaw<{ tries: bigint }[]>`select last_value as tries from fuse`
    expect(fuse?.tries).toBe(1n)
  })
})

it('names slow operations in the log', async () => {
  await using database = await openTestDatabase({ slowMs: 50 })
  await database.prisma.$queryRaw`select pg_sleep(0.1)::text`
  expect(database.log.lines).toMatchObject([{ level: 'warn', fields: { operation: '$queryRaw' } }])
})

describe('the plans of statements', () => {
  const prepared = (prisma: Database['prisma']) =>
    prisma.$queryRawUnsafe<{ name: string; statement: string }[]>(
      'select name, statement from pg_prepared_statements order by name',
    )

  it('are kept for what comes often, and not for what comes twice', async () => {
    await using database = await openTestDatabase({ poolSize: 1 })
    const { prisma } = database
    for (let n = 0; n < 3; n += 1) await prisma.$queryRaw`select ${n}::int as often`
    for (let n = 0; n < 2; n += 1) await prisma.$queryRaw`select ${n}::int as rarely`
    expect((await prepared(prisma)).map(({ statement }) => statement)).toEqual(['select $1::int as often'])
  })

  it('of more kinds of statements than are kept leave the rest as they were', async () => {
    await using database = await openTestDatabase({ poolSize: 1 })
    const { prisma } = database
    for (let kind = 0; kind < 250; kind += 1)
      for (let n = 0; n < 3; n += 1) {
        const [row] = await prisma.$queryRawUnsafe<{ sum: number }[]>(`select $1::int + ${kind} as sum`, n)
        expect(row?.sum).toBe(kind + n)
      }
    expect(await prepared(prisma)).toHaveLength(200)
  })

  it('that a migration has outdated are made anew, in a transaction and alone', async () => {
    await using database = await openTestDatabase({ poolSize: 1 })
    const { prisma } = database
    const unitOfWork = createUnitOfWork({ prisma, repositoriesFor: (tx) => ({ tx }), hook: silentHook })
    const look = () => unitOfWork.run(({ tx }) => tx.$queryRaw<{ notes: unknown }[]>`select notes from outdated`)
    await prisma.$executeRaw`create table outdated (notes int)`
    await prisma.$executeRaw`insert into outdated values (7)`
    for (let n = 0; n < 3; n += 1) expect(await look()).toEqual([{ notes: 7 }])
    await prisma.$executeRaw`alter table outdated alter column notes type text`
    expect(await look()).toEqual([{ notes: '7' }])

    const readAlone = () => prisma.$queryRaw`select notes, 1 as one from outdated`
    for (let n = 0; n < 3; n += 1) await readAlone()
    await prisma.$executeRaw`alter table outdated alter column notes type int using notes::int`
    expect(await readAlone()).toEqual([{ notes: 7, one: 1 }])
  })
})
