import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import { systemClock } from '../kernel/clock.js'
import type { JobOptions } from '../kernel/jobs.js'
import { defineJob, handleJob, JobRefused, type JobDelivery } from '../kernel/jobs.js'
import { RareLog } from '../kernel/rare-log.js'
import { BACKENDS, openJobPlace, startJobProcess, type JobPlace } from '../testing/job-place.js'
import type { OpenDatabase } from '../testing/open-database.js'
import { recordingLogger } from '../testing/recording-logger.js'
import type { CreateJobsOptions } from './create-jobs.js'
import { createPostgresBackend } from './postgres-backend.js'

const count = defineJob({
  type: 'TEST_COUNT',
  version: 1,
  payload: z.strictObject({ n: z.int() }),
  attempts: 3,
  backoff: { type: 'fixed', delay: 20 },
  timeoutMs: 5_000,
})

type Handle = (delivery: JobDelivery<typeof count>) => Promise<void>

const createProcess = async (place: JobPlace, handle: Handle, options: Partial<CreateJobsOptions> = {}) => {
  const process = await startJobProcess(place, count, handle, options)
  const orderWith = (jobOptions: JobOptions, ...numbers: number[]) =>
    process.unitOfWork.run((tx) => Promise.resolve(numbers.map((n) => tx.jobs.add(count, { n }, jobOptions))))
  return { ...process, orderWith, order: (...numbers: number[]) => orderWith({}, ...numbers) }
}

const rowsOf = (database: OpenDatabase) => database.prisma.outbox.findMany({ orderBy: { id: 'asc' } })
const statesOf = async (database: OpenDatabase) => (await rowsOf(database)).map(({ state }) => state as string)

describe.each(BACKENDS)('on %s', (kind) => {
  describe('a job from the outbox', () => {
    it('is done by its handler and marked done', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      const seen: unknown[] = []
      await using process = await createProcess(place, ({ jobId, payload }) => {
        seen.push([jobId, payload])
        return Promise.resolve()
      })
      await process.order(7)
      await expect.poll(() => statesOf(database)).toEqual(['done'])
      expect(seen).toEqual([[(await rowsOf(database))[0]?.id, { n: 7 }]])
    })

    it('can be marked done in the transaction of its own work, which a second delivery does not repeat', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      const finished: boolean[] = []
      await using process = await createProcess(place, async ({ jobId }) => {
        // As if delivered twice at the same time.
        const work = () => process.unitOfWork.run((to) => to.finishJob(jobId))
        finished.push(...(await Promise.all([work(), work()])))
      })
      await process.order(1)
      await expect.poll(() => finished.sort()).toEqual([false, true])
      expect(await statesOf(database)).toEqual(['done'])
    })

    it('that failed comes again after a pause and succeeds', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      const ids: string[] = []
      await using process = await createProcess(place, ({ jobId }) => {
        ids.push(jobId)
        return ids.length < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve()
      })
      await process.order(1)
      await expect.poll(() => statesOf(database)).toEqual(['done'])
      expect(new Set(ids).size).toBe(1)
      expect(await rowsOf(database)).toMatchObject([{ relayCount: 3, lastError: null }])
    })

    it('is dead after its attempts, with the last error', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      let tried = 0
      await using process = await createProcess(place, () => Promise.reject(new Error(`try ${(tried += 1)}`)))
      await process.order(1)
      await expect.poll(() => statesOf(database)).toEqual(['dead'])
      expect(await rowsOf(database)).toMatchObject([{ relayCount: 3, lastError: 'Error: try 3' }])
      expect(tried).toBe(3)
    })

    it('with a payload that cannot be read is dead at once, and the queue moves on', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      const seen: number[] = []
      await using process = await createProcess(place, ({ payload }) => {
        seen.push(payload.n)
        return Promise.resolve()
      })
      for (const payload of [{ n: 'x' }, {}, [], 'text', { n: 1, more: 2 }]) {
        const id = `ob_poison-${JSON.stringify(payload)}`.replaceAll(':', '')
        await database.prisma.outbox.create({ data: { id, type: 'TEST_COUNT', payload } })
      }
      await process.order(2)
      await expect
        .poll(async () => (await statesOf(database)).sort())
        .toEqual([...Array<string>(5).fill('dead'), 'done'])
      expect(seen).toEqual([2])
      expect((await rowsOf(database)).filter((row) => row.lastError?.startsWith('JobRefused: payload:'))).toHaveLength(
        5,
      )
    })

    it('of a type or version that only a newer process knows is left for that one', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      await using process = await createProcess(place, () => Promise.resolve())
      const data = { payload: { n: 1 } }
      await database.prisma.outbox.create({ data: { ...data, id: 'ob_type', type: 'TEST_NEWER' } })
      await database.prisma.outbox.create({ data: { ...data, id: 'ob_version', type: 'TEST_COUNT', version: 2 } })
      await process.order(1)
      await expect.poll(async () => (await statesOf(database)).sort()).toEqual(['done', 'pending', 'pending'])
      expect((await rowsOf(database)).map(({ relayCount }) => relayCount).sort()).toEqual([0, 0, 1])
    })

    it('that outlasts its time-out is aborted and counts as failed, even when it does not listen', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      const brief = { ...count, timeoutMs: 50, attempts: 1 }
      let aborted = false
      const handle: Handle = ({ signal }) => {
        signal.addEventListener('abort', () => (aborted = true))
        return new Promise(() => undefined)
      }
      const handlers = [handleJob(brief, handle)]
      await using process = await createProcess(place, handle, { definitions: [brief], handlers, graceMs: 20 })
      await process.order(1)
      await expect.poll(() => statesOf(database)).toEqual(['dead'])
      expect(aborted).toBe(true)
      expect((await rowsOf(database))[0]?.lastError).toBe('JobTimedOut: not finished within 50 ms')
    })
  })

  describe('what goes wrong on the way', () => {
    it('a job that vanished from the queue is added again under the next id', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      let seen = 0
      await using process = await createProcess(place, () => {
        seen += 1
        return Promise.resolve()
      })
      const past = new Date(Date.now() - 60_000)
      await database.prisma.outbox.create({
        data: {
          id: 'ob_lost',
          type: 'TEST_COUNT',
          payload: { n: 1 },
          state: 'relayed',
          relayCount: 1,
          availableAt: past,
        },
      })
      await expect.poll(() => statesOf(database)).toEqual(['done'])
      expect(await rowsOf(database)).toMatchObject([{ relayCount: 2 }])
      expect(seen).toBe(1)
      expect(process.log.lines).toContainEqual(expect.objectContaining({ level: 'warn' }))
    })

    it('a job that vanishes again and again is dead in the end', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      await using _process = await createProcess(place, () => Promise.resolve())
      const lost = { type: 'TEST_COUNT', payload: { n: 1 }, state: 'relayed', availableAt: new Date(0) } as const
      await database.prisma.outbox.create({ data: { ...lost, id: 'ob_lost', relayCount: 8 } })
      await expect.poll(() => statesOf(database)).toEqual(['dead'])
    })

    it('jobs that wait behind slow ones are late, not lost: none is done twice', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      const seen: number[] = []
      const slow = { ...count, concurrency: 1 }
      const options = { definitions: [slow], lateMs: -4_990 }
      await using process = await createProcess(
        place,
        async ({ payload }) => {
          seen.push(payload.n)
          await sleep(150)
        },
        options,
      )
      await process.order(1, 2, 3, 4)
      await expect.poll(() => statesOf(database), { timeout: 5_000 }).toEqual(Array<string>(4).fill('done'))
      expect([...seen].sort()).toEqual([1, 2, 3, 4])
      expect((await rowsOf(database)).map(({ relayCount }) => relayCount)).toEqual([1, 1, 1, 1])
    })

    it('two processes relay and work side by side, while connections are cut, and every job is done', async () => {
      await using place = await openJobPlace(kind, { poolSize: 10 })
      const { database } = place
      const seen: number[] = []
      const handle: Handle = ({ payload }) => {
        seen.push(payload.n)
        return Promise.resolve()
      }
      await using one = await createProcess(place, handle, { lateMs: -4_500 })
      await using two = await createProcess(place, handle, { lateMs: -4_500 })
      const numbers = Array.from({ length: 200 }, (_, n) => n)
      const client = new pg.Client(database.url)
      await client.connect()
      for (let n = 0; n < 200; n += 20) {
        await (n % 40 === 0 ? one : two).order(...numbers.slice(n, n + 20))
        if (n % 60 === 0)
          await client.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'gantry%' and datname = current_database()",
          )
      }
      await client.end()
      const done = async () => (await statesOf(database)).filter((state) => state === 'done').length
      // A job may have been taken by a connection that was cut at that moment; its lock has to run out.
      await expect.poll(done, { timeout: 25_000, interval: 100 }).toBe(200)
      expect([...new Set(seen)].sort((a, b) => a - b)).toEqual(numbers)
    })
  })

  describe('stopping', () => {
    it('lets a running job finish', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      let started = false
      const process = await createProcess(place, async () => {
        started = true
        await sleep(200)
      })
      await process.order(1)
      await expect.poll(() => started).toBe(true)
      await process.jobs.stop()
      expect(await statesOf(database)).toEqual(['done'])
    })

    it('hands back what does not finish in time, uncounted, for another process', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      let started = false
      const process = await createProcess(
        place,
        () => {
          started = true
          return new Promise(() => undefined)
        },
        { finishMs: 50, graceMs: 50 },
      )
      await process.order(1)
      await expect.poll(() => started).toBe(true)
      await Promise.all([process.jobs.stop(), process.jobs.stop()])
      expect(await rowsOf(database)).toMatchObject([{ state: 'pending', relayCount: 0 }])
      await using _other = await createProcess(place, () => Promise.resolve())
      await expect.poll(() => statesOf(database)).toEqual(['done'])
    })

    it('closes every connection', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      const process = await createProcess(place, () => Promise.resolve())
      await process.jobs.wake(count, { n: 1 })
      await process.jobs.stop()
      const left = () => database.prisma.$queryRaw`select application_name from pg_stat_activity
      where datname = current_database() and application_name <> 'test'`
      await expect.poll(left).toEqual([])
    })
  })

  describe('a wake-up', () => {
    it('from a process that only orders is done by one that works', async () => {
      await using place = await openJobPlace(kind)
      const { database } = place
      const seen: number[] = []
      const handle: Handle = ({ payload }) => {
        seen.push(payload.n)
        return Promise.resolve()
      }
      await using api = await createProcess(place, handle, { work: false })
      await api.jobs.wake(count, { n: 1 })
      await using _worker = await createProcess(place, handle)
      await api.jobs.wake(count, { n: 2 })
      await expect.poll(() => seen).toEqual([1, 2])
      expect(await rowsOf(database)).toEqual([])
    })

    it('with a payload that does not fit is refused at once', async () => {
      await using place = await openJobPlace(kind)
      await using process = await createProcess(place, () => Promise.resolve())
      await expect(process.jobs.wake(count, { n: 0.5 })).rejects.toThrow(z.ZodError)
    })
  })

  describe('recurring jobs', () => {
    const recurring = [{ definition: count, payload: { n: 5 }, everySeconds: 3_600 }]
    const ordered = async ({ database }: JobPlace) => (await rowsOf(database)).length
    const dueSince = (place: JobPlace, hours: number) =>
      place.database.prisma.jobSchedule.update({
        where: { type: 'TEST_COUNT' },
        data: { nextAt: new Date(Date.now() - hours * 3_600_000) },
      })
    const schedule = (place: JobPlace) => place.database.prisma.jobSchedule.findFirst()

    it('are ordered once per slot by two processes, and once for all slots in which nobody was there', async () => {
      await using place = await openJobPlace(kind)
      const seen: number[] = []
      const handle: Handle = ({ payload }) => {
        seen.push(payload.n)
        return Promise.resolve()
      }
      await using _one = await createProcess(place, handle, { recurring })
      await using _two = await createProcess(place, handle, { recurring })
      await expect.poll(() => schedule(place)).toMatchObject({ times: 'every 3600 s', lastAt: null })
      expect(await ordered(place)).toBe(0)
      await dueSince(place, 30)
      await expect.poll(() => seen).toEqual([5])
      await sleep(200)
      expect(await ordered(place)).toBe(1)
      const row = await schedule(place)
      expect(row?.nextAt.getTime()).toBeGreaterThan(Date.now())
      expect(row?.lastJobId).toBe((await rowsOf(place.database))[0]?.id)
    })

    it('rest while their schedule is paused, and move when the code changes their times', async () => {
      await using place = await openJobPlace(kind)
      {
        await using _before = await createProcess(place, () => Promise.resolve(), { recurring })
        await expect.poll(() => schedule(place)).not.toBeNull()
        await place.database.prisma.jobSchedule.updateMany({ data: { pausedAt: new Date() } })
        await dueSince(place, 1)
        await sleep(200)
        expect(await ordered(place)).toBe(0)
      }
      const nightly = [{ definition: count, payload: { n: 6 }, cron: '0 6 * * *' }]
      await using _after = await createProcess(place, () => Promise.resolve(), { recurring: nightly })
      await expect.poll(() => schedule(place)).toMatchObject({ times: 'cron 0 6 * * *' })
      expect((await schedule(place))?.nextAt.toISOString()).toMatch(/T06:00:00.000Z$/)
    })

    it('do not pile up behind one that is not done', async () => {
      await using place = await openJobPlace(kind)
      let started = 0
      const handle: Handle = ({ signal }) => {
        started += 1
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))))
      }
      await using _process = await createProcess(place, handle, { recurring, finishMs: 20 })
      await expect.poll(() => schedule(place)).not.toBeNull()
      await dueSince(place, 1)
      await expect.poll(() => started).toBe(1)
      await dueSince(place, 1)
      await expect.poll(async () => (await schedule(place))?.nextAt.getTime()).toBeGreaterThan(Date.now())
      expect(await ordered(place)).toBe(1)
    })
  })

  describe('an order', () => {
    const noting = () => {
      const seen: number[] = []
      const handle: Handle = ({ payload }) => {
        seen.push(payload.n)
        return Promise.resolve()
      }
      return { seen, handle }
    }

    it('with a higher priority goes first, and one without any before all', async () => {
      await using place = await openJobPlace(kind)
      const { seen, handle } = noting()
      const definitions = [{ ...count, concurrency: 1 }]
      await place.database.prisma.jobQueue.create({ data: { name: 'test-count', pausedAt: new Date() } })
      await using process = await createProcess(place, handle, { definitions })
      await process.orderWith({ priority: 9 }, 9)
      await process.orderWith({ priority: 2 }, 2)
      await process.orderWith({}, 0)
      await process.orderWith({ priority: 5 }, 5)
      await place.database.prisma.jobQueue.deleteMany()
      await expect.poll(() => seen).toEqual([0, 2, 5, 9])
    })

    it('with a delay waits for it', async () => {
      await using place = await openJobPlace(kind)
      const { seen, handle } = noting()
      await using process = await createProcess(place, handle)
      await process.orderWith({ delay: 600 }, 1)
      await process.order(2)
      await expect.poll(() => seen).toEqual([2])
      await expect.poll(() => seen).toEqual([2, 1])
    })

    it('may have more or fewer attempts than its type, and pauses of its own', async () => {
      await using place = await openJobPlace(kind)
      const seen: [number, number][] = []
      await using process = await createProcess(place, ({ attempt, attempts }) => {
        seen.push([attempt, attempts])
        return Promise.reject(new Error('no'))
      })
      await process.orderWith({ attempts: 2, backoff: { type: 'fixed', delay: 1 } }, 1)
      await expect.poll(() => statesOf(place.database)).toEqual(['dead'])
      expect(seen).toEqual([
        [1, 2],
        [2, 2],
      ])
      await expect(process.orderWith({ attempts: 0 }, 1)).rejects.toThrow(RangeError)
      await expect(process.orderWith({ delay: -1 }, 1)).rejects.toThrow('delay')
    })

    it('that is deduplicated is none while the first is open, and another one after it', async () => {
      await using place = await openJobPlace(kind)
      const { seen, handle } = noting()
      await using process = await createProcess(place, handle)
      const same = { deduplication: { id: 'same' } }
      await process.orderWith({ ...same, delay: 300 }, 1)
      await process.orderWith(same, 2)
      await process.orderWith({ deduplication: { id: 'other' } }, 3)
      await expect.poll(() => seen).toEqual([3, 1])
      await process.orderWith(same, 4)
      await expect.poll(() => seen).toEqual([3, 1, 4])
      expect(await statesOf(place.database)).toEqual(['done', 'done', 'done'])
    })

    it('that is deduplicated for a time is none until that is over, be the first done or not', async () => {
      await using place = await openJobPlace(kind)
      const { seen, handle } = noting()
      await using process = await createProcess(place, handle)
      const within = { deduplication: { id: 'same', ttl: 60_000 } }
      await process.orderWith(within, 1)
      await expect.poll(() => statesOf(place.database)).toEqual(['done'])
      await process.orderWith(within, 2)
      await place.database.prisma.outbox.updateMany({ data: { deduplicatedUntil: new Date(0) } })
      await process.orderWith(within, 3)
      await expect.poll(() => seen).toEqual([1, 3])
    })

    it('whose handler knows that no try can succeed is dead at once, with its stack', async () => {
      await using place = await openJobPlace(kind)
      await using process = await createProcess(place, () => Promise.reject(new JobRefused('no such thing')))
      await process.order(1)
      await expect.poll(() => statesOf(place.database)).toEqual(['dead'])
      const [row] = await rowsOf(place.database)
      expect(row).toMatchObject({ relayCount: 1, lastError: 'JobRefused: no such thing' })
      expect(row?.lastStack).toContain('create-jobs.test.ts')
    })
  })

  describe('a paused queue', () => {
    it('lets rest what comes, and goes on where it stood', async () => {
      await using place = await openJobPlace(kind)
      const { prisma } = place.database
      const seen: number[] = []
      await using process = await createProcess(place, ({ payload }) => {
        seen.push(payload.n)
        return Promise.resolve()
      })
      await process.order(1)
      await expect.poll(() => seen).toEqual([1])
      await prisma.jobQueue.create({ data: { name: 'test-count', pausedAt: new Date() } })
      await sleep(300)
      await process.order(2, 3)
      await sleep(300)
      expect(seen).toEqual([1])
      expect(await statesOf(place.database)).toEqual(['done', 'pending', 'pending'])
      await prisma.jobQueue.updateMany({ data: { pausedAt: null } })
      await expect.poll(() => [...seen].sort()).toEqual([1, 2, 3])
    })
  })

  describe('what no row stood behind', () => {
    it('is kept as dead when it failed for the last time, cannot be read, or is no job at all', async () => {
      await using place = await openJobPlace(kind)
      await using process = await createProcess(place, () => Promise.reject(new Error('no')))
      await process.jobs.wake(count, { n: 1 }, { attempts: 2, backoff: { type: 'fixed', delay: 1 } })
      await expect.poll(() => statesOf(place.database)).toEqual(['dead'])
      const queue = process.jobs.queues.get('test-count')
      await queue?.add('TEST_COUNT', { version: 1, payload: { n: 'x' } })
      await expect.poll(() => statesOf(place.database)).toEqual(['dead', 'dead'])
      await queue?.add('TEST_COUNT', 'garbage' as never)
      await expect.poll(() => statesOf(place.database)).toEqual(['dead', 'dead', 'dead'])
      const rows = await rowsOf(place.database)
      expect(rows.map(({ payload, lastError }) => [payload, lastError?.split(':')[0]])).toEqual([
        [{ n: 1 }, 'Error'],
        [{ n: 'x' }, 'JobRefused'],
        ['garbage', 'not a job of Gantry'],
      ])
    })
  })

  it('counts by minute how jobs ended, how long they waited and how long they took', async () => {
    await using place = await openJobPlace(kind)
    const { prisma } = place.database
    {
      await using process = await createProcess(place, ({ payload, attempt }) =>
        payload.n === 2 && attempt === 1 ? Promise.reject(new Error('once')) : sleep(20),
      )
      await process.order(1, 2)
      await process.jobs.wake(count, { n: 3 })
      await expect.poll(() => statesOf(place.database)).toEqual(['done', 'done'])
      await sleep(100)
    }
    const rows = await prisma.jobMinute.findMany()
    const sum = (pick: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + pick(row), 0)
    expect([sum(({ completed }) => completed), sum(({ failed }) => failed), sum(({ dead }) => dead)]).toEqual([3, 1, 0])
    const all = (counts: number[]) => counts.reduce((total, n) => total + n, 0)
    expect([sum(({ waited }) => all(waited)), sum(({ took }) => all(took))]).toEqual([4, 4])
    expect(new Set(rows.map(({ queue }) => queue))).toEqual(new Set(['test-count']))
  })
})

it('refuses to start when the queues in PostgreSQL cannot be reached', async () => {
  await using place = await openJobPlace('postgres')
  const log = new RareLog(recordingLogger(), systemClock)
  const backend = createPostgresBackend({ url: 'postgresql://nobody@127.0.0.1:1/none', log })
  await expect(createProcess(place, () => Promise.resolve(), { backend })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  })
})
