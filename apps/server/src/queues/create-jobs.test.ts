import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import { systemClock } from '../kernel/clock.js'
import { handleJob } from '../kernel/jobs.js'
import { RareLog } from '../kernel/rare-log.js'
import { count, createProcess, rowsOf, statesOf, type HandleCount } from '../testing/counting-jobs.js'
import { BACKENDS, openJobPlace } from '../testing/job-place.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { createPostgresBackend } from './postgres-backend.js'

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
      const handle: HandleCount = ({ signal }) => {
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
      const handle: HandleCount = ({ payload }) => {
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

    it('hands back a wake-up as well, at its only try', async () => {
      await using place = await openJobPlace(kind)
      let started = false
      const never: HandleCount = ({ signal }) => {
        started = true
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('told to'))))
      }
      const process = await createProcess(place, never, { finishMs: 50 })
      await process.jobs.wake(count, { n: 1 }, { attempts: 1 })
      await expect.poll(() => started).toBe(true)
      await process.jobs.stop()
      const seen: number[] = []
      await using _other = await createProcess(place, ({ payload }) => {
        seen.push(payload.n)
        return Promise.resolve()
      })
      await expect.poll(() => seen).toEqual([1])
      expect(await rowsOf(place.database)).toEqual([])
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
      const handle: HandleCount = ({ payload }) => {
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
})

it('refuses to start when the queues in PostgreSQL cannot be reached', async () => {
  await using place = await openJobPlace('postgres')
  const log = new RareLog(recordingLogger(), systemClock)
  const backend = createPostgresBackend({ url: 'postgresql://nobody@127.0.0.1:1/none', log })
  await expect(createProcess(place, () => Promise.resolve(), { backend })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  })
})
