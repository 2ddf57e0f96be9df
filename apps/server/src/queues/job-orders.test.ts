import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect, it } from 'vitest'

import { JobPostponed, JobRefused } from '../kernel/jobs.js'
import { count, createProcess, rowsOf, statesOf, type HandleCount } from '../testing/counting-jobs.js'
import { BACKENDS, openJobPlace, type JobPlace } from '../testing/job-place.js'

describe.each(BACKENDS)('on %s', (kind) => {
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
      const handle: HandleCount = ({ payload }) => {
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
      const handle: HandleCount = ({ signal }) => {
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
      const handle: HandleCount = ({ payload }) => {
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

    it('whose handler was told when it may try again waits for it, and counts the try', async () => {
      await using place = await openJobPlace(kind)
      const began = Date.now()
      await using process = await createProcess(place, () => Promise.reject(new JobPostponed('later', 3_600_000)))
      await process.orderWith({ attempts: 2, backoff: { type: 'fixed', delay: 1 } }, 1)
      await expect.poll(async () => (await rowsOf(place.database))[0]?.lastError).toContain('later')
      const [row] = await rowsOf(place.database)
      expect(row).toMatchObject({ state: 'pending', relayCount: 1 })
      expect(row?.availableAt.getTime()).toBeGreaterThan(began + 3_500_000)
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
      expect(row?.lastStack).toContain('job-orders.test.ts')
    })
  })

  describe('a type', () => {
    it('has no more jobs at work at the same time than it says', async () => {
      await using place = await openJobPlace(kind)
      let [atWork, most] = [0, 0]
      const handle: HandleCount = async () => {
        most = Math.max(most, (atWork += 1))
        await sleep(30)
        atWork -= 1
      }
      await using process = await createProcess(place, handle, { definitions: [{ ...count, concurrency: 2 }] })
      await process.order(...Array.from({ length: 12 }, (_, n) => n))
      await expect.poll(() => statesOf(place.database)).toEqual(Array<string>(12).fill('done'))
      expect(most).toBe(2)
    })

    it('begins no more jobs in a time than it says, over all processes', async () => {
      await using place = await openJobPlace(kind)
      const begunAt: number[] = []
      const handle: HandleCount = () => {
        begunAt.push(performance.now())
        return Promise.resolve()
      }
      const definitions = [{ ...count, rate: { max: 2, durationMs: 400 } }]
      await using one = await createProcess(place, handle, { definitions })
      await using _two = await createProcess(place, handle, { definitions })
      await one.order(1, 2, 3, 4, 5, 6)
      await expect.poll(() => begunAt.length, { timeout: 10_000 }).toBe(6)
      const [first = 0, last = 0] = [begunAt[0], begunAt[5]]
      // Three times two of them have two pauses between them, of which the first may have begun before the first job was seen.
      expect(last - first).toBeGreaterThan(500)
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
