import { describe, expect, it } from 'vitest'

import { openTestDatabase } from '../testing/open-database.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { createDatabase } from './client.js'
import { Prisma } from './generated/client.js'

/** For a connection, and for a statement: on a machine with much else to do either takes its time. */
const TIMEOUT_MS = 1_500

const unavailable = { code: 'UNAVAILABLE', retryAfterSeconds: 1 }

describe('a quick read', () => {
  it('gives rows as pg reads them, and is told as every other operation', async () => {
    const operations: unknown[] = []
    await using database = await openTestDatabase({
      slowMs: 50,
      onOperation: ({ database: name, model, operation, failed }) =>
        operations.push({ name, model, operation, failed }),
    })
    const at = new Date('2026-11-27T12:00:00.250Z')
    const rows = await database.quickRead(
      'lookSlowly',
      Prisma.sql`SELECT ${at}::timestamptz AS at, '{"a": [1]}'::jsonb AS json, ARRAY['x'] AS list, pg_sleep(0.1)::text AS slept`,
    )
    expect(rows).toEqual([{ at, json: { a: [1] }, list: ['x'], slept: '' }])
    await expect(database.quickRead('lookNowhere', Prisma.sql`SELECT nowhere`)).rejects.toThrow('nowhere')
    expect(operations).toEqual([
      { name: 'primary', model: null, operation: 'lookSlowly', failed: false },
      { name: 'primary', model: null, operation: 'lookNowhere', failed: true },
    ])
    const [slow] = database.log.lines
    expect(slow).toMatchObject({ level: 'warn', fields: { operation: 'lookSlowly' } })
  })

  it('is made again when its connection breaks, and only then', async () => {
    await using database = await openTestDatabase({ timeoutMs: TIMEOUT_MS })
    await database.prisma.$executeRaw`create sequence fuse`
    const blown = Prisma.sql`SELECT CASE WHEN nextval('fuse') = 1 THEN pg_terminate_backend(pg_backend_pid()) END IS NULL AS done`
    expect(await database.quickRead('look', blown)).toEqual([{ done: true }])
    const slow = Prisma.sql`SELECT nextval('fuse'), pg_sleep(5)`
    await expect(database.quickRead('look', slow)).rejects.toMatchObject(unavailable)
    const [fuse] = await database.prisma.$queryRaw<{ last: bigint }[]>`select last_value as last from fuse`
    expect(fuse?.last).toBe(3n)
  })

  it('is UNAVAILABLE when the pool is exhausted, or nobody answers or lets us in', async () => {
    await using database = await openTestDatabase({ poolSize: 1, timeoutMs: TIMEOUT_MS })
    const open = (url: string) =>
      createDatabase({ url, poolSize: 1, timeoutMs: TIMEOUT_MS, applicationName: 'test', log: recordingLogger() })
    const one = Prisma.sql`SELECT 1 AS one`
    await database.prisma.$transaction(async (tx) => {
      await tx.$queryRaw`select 1`
      await expect(database.quickRead('look', one)).rejects.toMatchObject(unavailable)
    })
    expect(await database.quickRead('look', one)).toEqual([{ one: 1 }])
    const locked = new URL(database.url)
    locked.username = 'nobody'
    // The last is a host of two addresses, or an unknown one: of neither the system says much.
    for (const url of ['postgresql://any@127.0.0.1:1/any', locked.href, 'postgresql://any@localhost:1/any']) {
      const closed = open(url)
      await expect(closed.quickRead('look', one), url).rejects.toMatchObject(unavailable)
      await closed.close()
    }
  })

  it('whose plan a migration has outdated is planned anew', async () => {
    await using database = await openTestDatabase({ poolSize: 1 })
    await database.prisma.$executeRaw`create table outdated (notes int)`
    await database.prisma.$executeRaw`insert into outdated values (7)`
    const look = () => database.quickRead('look', Prisma.sql`SELECT notes FROM outdated`)
    expect(await look()).toEqual([{ notes: 7 }])
    await database.prisma.$executeRaw`alter table outdated alter column notes type text`
    expect(await look()).toEqual([{ notes: '7' }])
  })

  it('has its plan kept also where no other statement has room for one', async () => {
    await using database = await openTestDatabase({ poolSize: 1 })
    const { prisma } = database
    for (let kind = 0; kind < 200; kind += 1)
      for (let n = 0; n < 3; n += 1) await prisma.$queryRawUnsafe(`select $1::int + ${kind}`, n)
    await database.quickRead('look', Prisma.sql`SELECT 'kept' AS it`)
    const kept = await prisma.$queryRaw`select name from pg_prepared_statements where statement like '%''kept'' AS it'`
    expect(kept).toEqual([{ name: 'gantry_0_200' }])
  })

  it('alone opens connections that are closed with the rest', async () => {
    await using database = await openTestDatabase()
    const alone = createDatabase({
      ...{ url: database.url, poolSize: 2, timeoutMs: 5_000, applicationName: 'alone', log: recordingLogger() },
    })
    await alone.quickRead('look', Prisma.sql`SELECT 1`)
    await alone.close()
    const open = () => database.prisma.$queryRaw`select 1 from pg_stat_activity where application_name = 'alone'`
    await expect.poll(open).toEqual([])
  })
})
