import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'
import { describe, expect, it } from 'vitest'

import { createEventLog } from '../db/event-log.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import type { EventLog } from '../kernel/events.js'
import { openTestDatabase, type OpenDatabase } from '../testing/open-database.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { createPostgresBus, type PostgresBusOptions } from './postgres-bus.js'

const createProcess = async (database: OpenDatabase, options: Partial<PostgresBusOptions> = {}) => {
  const { prisma, url } = database
  const log = recordingLogger()
  const eventLog = createEventLog(prisma)
  const bus = createPostgresBus({ url, eventLog, log, ...options })
  const seen: string[] = []
  bus.onEvent((event) => seen.push(event.subjectId))
  await bus.start()
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor: () => ({}), hook: bus })
  const record = (fileId: string) =>
    unitOfWork.run((to) => {
      to.record({ type: 'file.removed', subjectType: 'file', subjectId: fileId, payload: { fileId } }, 'system')
      return Promise.resolve()
    })
  return { bus, seen, record, log, [Symbol.asyncDispose]: () => bus.stop() }
}

/** Two processes on one database; a sweep so rare that only notices can be the reason for what arrives. */
const twoProcesses = async (options: Partial<PostgresBusOptions> = { sweepMs: 60_000 }) => {
  const database = await openTestDatabase({ poolSize: 8 })
  const one = await createProcess(database, { ...options, applicationName: 'one' })
  const two = await createProcess(database, { ...options, applicationName: 'two' })
  const close = async () => {
    await Promise.all([one.bus.stop(), two.bus.stop()])
    await database[Symbol.asyncDispose]()
  }
  return { database, one, two, [Symbol.asyncDispose]: close }
}

const terminate = async (url: string, applicationName: string): Promise<number | null> => {
  const client = new pg.Client(url)
  await client.connect()
  const sql =
    'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = current_database()'
  const { rowCount } = await client.query(sql, [applicationName])
  await client.end()
  return rowCount
}

describe('stored events', () => {
  it('reach every process in order and once', async () => {
    await using pair = await twoProcesses()
    const { one, two } = pair
    for (let n = 0; n < 20; n += 1) await (n % 2 === 0 ? one : two).record(`${n}`)
    const all = Array.from({ length: 20 }, (_, n) => `${n}`)
    // A long transaction of another test hides them until its end, in whatever database of this PostgreSQL it is.
    const SHOWN = { timeout: 90_000 }
    await expect.poll(() => one.seen, SHOWN).toEqual(all)
    await expect.poll(() => two.seen, SHOWN).toEqual(all)
  }, 120_000)

  it('are neither lost nor doubled when the listening connections are cut again and again', async () => {
    await using pair = await twoProcesses({ sweepMs: 1_000 })
    const { one, two, database } = pair
    const ids: string[] = []
    for (let round = 0; round < 5; round += 1) {
      const burst = Array.from({ length: 10 }, (_, n) => `${round}.${n}`)
      ids.push(...burst)
      const [cutOne, cutTwo] = await Promise.all([
        round % 2 === 0 ? terminate(database.url, 'one') : 0,
        terminate(database.url, 'two'),
        ...burst.map((id, n) => (n % 2 === 0 ? one : two).record(id)),
      ])
      expect((cutOne ?? 0) + (cutTwo ?? 0)).toBeGreaterThan(0)
      await sleep(120)
    }
    for (const { seen } of [one, two]) {
      await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(ids.length)
      expect([...seen].sort()).toEqual([...ids].sort())
    }
    expect(one.seen).toEqual(two.seen)
  })

  it('arrive again after a cut by notice, long before any sweep', async () => {
    await using pair = await twoProcesses()
    const { one, two, database } = pair
    expect(await terminate(database.url, 'two')).toBe(1)
    await one.record('while two is deaf')
    await expect.poll(() => two.seen).toEqual(['while two is deaf'])
    await one.record('afterwards')
    await expect.poll(() => two.seen).toEqual(['while two is deaf', 'afterwards'])
  })

  it('that cannot be heard of are told at once, and when they can be heard of again', async () => {
    await using pair = await twoProcesses()
    const { database, one } = pair
    const hearing: boolean[] = []
    one.bus.onHearing((hears) => hearing.push(hears))
    expect(hearing).toEqual([true])
    await terminate(database.url, 'one')
    await expect.poll(() => hearing, { timeout: 5_000, interval: 10 }).toEqual([true, false, true])
  })

  it('are found by the sweep when the hint never comes', async () => {
    await using pair = await twoProcesses({ sweepMs: 50 })
    const { two, database } = pair
    await database.prisma.event.create({
      data: { type: 'file.removed', subjectType: 'file', subjectId: 'unannounced', payload: {} },
    })
    await expect.poll(() => two.seen).toEqual(['unannounced'])
  })

  it('that an older transaction hides appear soon after its end, without another hint', async () => {
    await using pair = await twoProcesses({ sweepMs: 1_000 })
    const { one, two, database } = pair
    const older = new pg.Client(database.url)
    await older.connect()
    await older.query('begin; select pg_current_xact_id()')
    await one.record('hidden')
    await sleep(100)
    expect([one.seen, two.seen]).toEqual([[], []])
    await older.query('rollback')
    await older.end()
    await expect.poll(() => [one.seen, two.seen], { timeout: 2_000 }).toEqual([['hidden'], ['hidden']])
  })

  it('reach the other handlers when one throws or rejects', async () => {
    await using pair = await twoProcesses()
    const { one, two } = pair
    const late: string[] = []
    two.bus.onEvent(() => {
      throw new Error('thrown')
    })
    two.bus.onEvent(() => Promise.reject(new Error('rejected')) as unknown as undefined)
    two.bus.onEvent((event) => late.push(event.subjectId))
    await one.record('a')
    await expect.poll(() => late).toEqual(['a'])
    await expect.poll(() => two.log.lines.filter((line) => line.level === 'error')).toHaveLength(2)
  })

  it('that were removed unread are told as a gap, and reading goes on', async () => {
    await using database = await openTestDatabase()
    const real = createEventLog(database.prisma)
    let lost = false
    const eventLog: EventLog = {
      head: () => real.head(),
      readAfter: (cursor, limit) => {
        if (!lost) return real.readAfter(cursor, limit)
        lost = false
        return Promise.resolve('resync')
      },
    }
    await using process = await createProcess(database, { eventLog, sweepMs: 50 })
    let gaps = 0
    process.bus.onGap(() => (gaps += 1))
    lost = true
    await expect.poll(() => gaps).toBe(1)
    await process.record('after')
    await expect.poll(() => process.seen).toEqual(['after'])
  })
})

describe('telemetry', () => {
  it('is here at once, and over there the latest value per key, Dates included', async () => {
    await using pair = await twoProcesses({ sweepMs: 60_000, telemetryMs: 100 })
    const { one, two } = pair
    const here: unknown[] = []
    const there: unknown[] = []
    one.bus.onTelemetry('printer.status', (key, value) => here.push([key, value]))
    two.bus.onTelemetry('printer.status', (key, value) => there.push([key, value]))
    const at = new Date(1_000)
    for (let n = 0; n < 3; n += 1) one.bus.publishTelemetry('printer.status', 'a', { n, at })
    one.bus.publishTelemetry('printer.status', 'b', { n: 9, at: null })
    expect(here).toHaveLength(4)
    await expect.poll(() => there).toHaveLength(2)
    expect(there).toEqual([
      ['a', { n: 2, at }],
      ['b', { n: 9, at: null }],
    ])
    expect(here).toHaveLength(4)
  })

  it('of many printers is cut into notices that fit; a single one that does not fit is left out', async () => {
    await using pair = await twoProcesses({ sweepMs: 60_000, telemetryMs: 20 })
    const { one, two } = pair
    const keys = new Set<string>()
    two.bus.onTelemetry('printer.status', (key) => keys.add(key))
    one.bus.publishTelemetry('printer.status', 'huge', 'é'.repeat(4_000))
    for (let n = 0; n < 300; n += 1) one.bus.publishTelemetry('printer.status', `p${n}`, { name: 'é'.repeat(100) })
    await expect.poll(() => keys.size).toBe(300)
    expect(keys.has('huge')).toBe(false)
    expect(one.log.lines.map((line) => line.message)).toEqual(['telemetry too large for other processes'])
  })
})

describe('a wake-up', () => {
  it('is heard here at once and in the other process, on its topic alone', async () => {
    await using pair = await twoProcesses()
    const { one, two } = pair
    const heard: string[] = []
    one.bus.onWake('dispatch', () => heard.push('one'))
    two.bus.onWake('dispatch', () => heard.push('two'))
    two.bus.onWake('outbox', () => heard.push('wrong'))
    one.bus.wake('dispatch')
    expect(heard).toEqual(['one'])
    await expect.poll(() => heard).toEqual(['one', 'two'])
  })

  it('is given to everybody after a reconnect', async () => {
    await using pair = await twoProcesses()
    const { two, database } = pair
    let heard = 0
    two.bus.onWake('dispatch', () => (heard += 1))
    await terminate(database.url, 'two')
    await expect.poll(() => heard).toBe(1)
  })
})

describe('starting and stopping', () => {
  it('refuses to start without a database and leaves nothing behind', async () => {
    await using database = await openTestDatabase()
    const eventLog = createEventLog(database.prisma)
    const log = recordingLogger()
    const bus = createPostgresBus({ url: 'postgresql://nobody@127.0.0.1:1/none', eventLog, log })
    await expect(bus.start()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await bus.stop()
  })

  it('leaves no connection open and takes no more notice of anything', async () => {
    await using pair = await twoProcesses()
    const { one, two, database } = pair
    one.bus.publishTelemetry('printer.status', 'a', 1)
    one.bus.wake('dispatch')
    await one.bus.stop()
    await two.bus.stop()
    const left = () => database.prisma
      .$queryRaw`select 1 as x from pg_stat_activity where application_name in ('one', 'two')
      and datname = current_database()`
    await expect.poll(left).toEqual([])
    await two.record('unheard')
    expect(two.seen).toEqual([])
  })
})
