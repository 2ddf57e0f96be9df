import type { AllQueueStatistics, JobDetail, JobSummary, Page } from '@gantry/schemas'
import { describe, expect, it } from 'vitest'

import type { JobDelivery } from '../../src/kernel/jobs.js'
import { newId } from '../../src/kernel/index.js'
import { dispatchWake } from '../../src/modules/print-jobs/print-jobs.jobs.js'
import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { BACKENDS, openJobPlace, startJobProcess, type JobPlace } from '../../src/testing/job-place.js'

const TYPE = dispatchWake.type
const QUEUE = 'dispatch-wake'
const PAYLOAD = { jobId: newId('printJob') }
const STATISTICS = {
  ...{ waiting: 0, active: 0, completed: 0, failed: 0, delayed: 0, paused: false, isKnown: true },
  ...{ oldestAgeSeconds: null, throughputPerMinute: 0, lastHour: Array<number>(60).fill(0) },
  ...{ waitMs: { p50: null, p95: null, p99: null }, runMs: { p50: null, p95: null, p99: null } },
}

/** A server that answers and does no jobs, so that what lies about stays where it is. */
const startAsker = (place: JobPlace): Promise<AppUnderTest> =>
  startAppUnderTest({ ...place.environment, GANTRY_ROLES: 'api' })

/** Somebody who does the jobs of the server, as the test says. */
const startWorker = (place: JobPlace, handle: (delivery: JobDelivery<typeof dispatchWake>) => Promise<void>) =>
  startJobProcess(place, dispatchWake, handle)

type Row = Parameters<AppUnderTest['prisma']['outbox']['create']>[0]['data']

const insert = async ({ prisma }: AppUnderTest, row: Partial<Row> = {}): Promise<string> => {
  const id = newId('outbox')
  await prisma.outbox.create({ data: { id, type: TYPE, payload: PAYLOAD, ...row } })
  return id
}

const dead = (error = 'Error: out of paper'): Partial<Row> => ({
  ...{ state: 'dead', relayCount: 5, finishedAt: new Date() },
  ...{ lastError: error, lastStack: `${error}\n    at print (printer.ts:7)` },
})

const statisticsOf = async ({ admin }: AppUnderTest) => {
  const { body, status } = await admin.rest('GET', '/api/admin/queues')
  expect(status).toBe(200)
  return body as AllQueueStatistics
}
const queueOf = async (app: AppUnderTest) => (await statisticsOf(app)).data[QUEUE]

const listOf = async (app: AppUnderTest, state: string, more = `&queue=${QUEUE}`) =>
  (await app.admin.rest('GET', `/api/admin/jobs?state=${state}${more}`)).body as Page<JobSummary>
const idsOf = async (app: AppUnderTest, state: string) => (await listOf(app, state)).items.map(({ id }) => id)

const stateOf = async ({ prisma }: AppUnderTest, id: string) =>
  (await prisma.outbox.findUnique({ where: { id } }))?.state ?? 'gone'

const auditOf = async ({ prisma }: AppUnderTest) => {
  const events = await prisma.event.findMany({ where: { type: { startsWith: 'job' } }, orderBy: { seq: 'asc' } })
  return events.map(({ type, actorId, payload }) => ({ type, actor: actorId?.slice(0, 4), ...(payload as object) }))
}

/** Resolves `begun` when the first job runs, which then runs until it is let go. */
const holdUp = () => {
  let begin = () => {}
  let letGo = () => {}
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const gone = new Promise<void>((resolve) => (letGo = resolve))
  const handle = () => {
    begin()
    return gone
  }
  return { begun, letGo, handle }
}

describe.each(BACKENDS)('on %s', (kind) => {
  it('every queue answers in the shape that clients of old know, and more', async () => {
    await using place = await openJobPlace(kind)
    await using app = await startAsker(place)
    const { success, queueReachable, data } = await statisticsOf(app)
    expect({ success, queueReachable }).toEqual({ success: true, queueReachable: true })
    expect(data).toMatchObject({ [QUEUE]: STATISTICS, 'cleanup-records': STATISTICS })
    expect(await app.admin.trpc.jobs.queues.query()).toMatchObject({ success: true, data: { [QUEUE]: STATISTICS } })
  })

  it('rows and what lies in the queue are counted once each, in their states', async () => {
    await using place = await openJobPlace(kind)
    await using app = await startAsker(place)
    const held = holdUp()
    const worker = await startWorker(place, held.handle)
    const running = await worker.unitOfWork.run((tx) => Promise.resolve(tx.jobs.add(dispatchWake, PAYLOAD)))
    await held.begun
    // What comes now finds the queue at rest and stays a row.
    await app.admin.rest('POST', `/api/admin/queues/${QUEUE}/pause`)
    await expect.poll(() => queueOf(app)).toMatchObject({ paused: true, active: 1 })
    await new Promise((resolve) => setTimeout(resolve, 300))
    const waiting = await insert(app, { availableAt: new Date(Date.now() - 90_000) })
    const delayed = await insert(app, { availableAt: new Date(Date.now() + 60_000) })
    const failed = await insert(app, dead())
    await worker.jobs.wake(dispatchWake, PAYLOAD)
    await worker.jobs.wake(dispatchWake, PAYLOAD, { delay: 60_000 })
    await expect
      .poll(() => queueOf(app))
      .toMatchObject({ waiting: 2, active: 1, delayed: 2, failed: 1, completed: 0, paused: true })
    expect((await queueOf(app))?.oldestAgeSeconds).toBeGreaterThan(85)

    expect(await idsOf(app, 'active')).toEqual([running])
    const lying = (await listOf(app, 'waiting')).items
    expect(lying.map(({ isWakeUp }) => isWakeUp)).toEqual([true, false])
    expect(lying[1]?.id).toBe(waiting)
    expect(await idsOf(app, 'delayed')).toEqual([expect.stringMatching(/^dispatch-wake:/) as string, delayed])
    expect(await idsOf(app, 'failed')).toEqual([failed])
    const detail = (await app.admin.rest('GET', `/api/admin/jobs/${running}`)).body as JobDetail
    expect(detail).toMatchObject({ state: 'active', attemptsMade: 1, attemptsAllowed: 5, payload: PAYLOAD })

    await app.admin.rest('POST', `/api/admin/queues/${QUEUE}/resume`)
    held.letGo()
    await expect.poll(() => queueOf(app)).toMatchObject({ waiting: 0, active: 0, delayed: 2, paused: false })
    await worker.jobs.stop()
    await expect.poll(() => queueOf(app)).toMatchObject({ completed: 3 })
    expect((await queueOf(app))?.runMs.p99).toBeGreaterThan(0)
    expect((await queueOf(app))?.lastHour.reduce((sum, runs) => sum + runs)).toBe(3)
    expect((await idsOf(app, 'completed')).sort()).toEqual([running, waiting].sort())
  })

  it('a running job cannot be thrown away, and goes on; one that waits behind it can', async () => {
    await using place = await openJobPlace(kind)
    await using app = await startAsker(place)
    const held = holdUp()
    const seen: string[] = []
    const one = { ...dispatchWake, concurrency: 1 }
    await using worker = await startJobProcess(place, one, async ({ jobId }) => {
      seen.push(jobId)
      await held.handle()
    })
    const order = () => worker.unitOfWork.run((tx) => Promise.resolve(tx.jobs.add(dispatchWake, PAYLOAD)))
    const running = await order()
    await held.begun
    const waiting = await order()
    await expect.poll(() => stateOf(app, waiting)).toBe('relayed')
    await worker.jobs.wake(dispatchWake, PAYLOAD)
    const [wakeUp] = await idsOf(app, 'waiting')
    const { status, error } = await app.admin.rest('DELETE', `/api/admin/jobs/${running}`)
    expect({ status, code: error?.code }).toEqual({ status: 409, code: 'INVALID_STATE' })
    for (const id of [waiting, encodeURIComponent(wakeUp!)]) {
      expect((await app.admin.rest('DELETE', `/api/admin/jobs/${id}`)).status).toBe(200)
      expect((await app.admin.rest('GET', `/api/admin/jobs/${id}`)).status).toBe(404)
    }
    held.letGo()
    await expect.poll(() => stateOf(app, running)).toBe('done')
    await expect.poll(() => queueOf(app)).toMatchObject({ waiting: 0, active: 0 })
    expect(seen).toEqual([running])
    expect((await app.admin.rest('DELETE', `/api/admin/jobs/${running}`)).error?.code).toBe('INVALID_STATE')
  })

  it('dead jobs are tried again or thrown away, one or all of a type, and who did it is written down', async () => {
    await using place = await openJobPlace(kind)
    await using app = await startAsker(place)
    const ids: string[] = []
    for (let count = 0; count < 5; count += 1) ids.push(await insert(app, dead()))
    const [retried, discarded] = ids as [string, string]
    const other = await insert(app, { ...dead(), type: 'CLEANUP_RECORDS' })
    expect((await app.admin.rest('POST', `/api/admin/jobs/${retried}/retry`)).status).toBe(200)
    expect(await app.prisma.outbox.findUnique({ where: { id: retried } })).toMatchObject({
      ...{ state: 'pending', relayCount: 0, finishedAt: null, lastError: null, lastStack: null },
    })
    expect((await app.admin.rest('POST', `/api/admin/jobs/${retried}/retry`)).error?.code).toBe('INVALID_STATE')
    expect((await app.admin.rest('DELETE', `/api/admin/jobs/${discarded}`)).status).toBe(200)
    const all = { count: 3, more: false }
    expect((await app.admin.rest('POST', '/api/admin/jobs/retry', { type: TYPE })).body).toEqual(all)
    const done: string[] = []
    await using _worker = await startWorker(place, ({ jobId }) => {
      done.push(jobId)
      return Promise.resolve()
    })
    await expect.poll(() => done.length).toBe(4)
    expect(done.sort()).toEqual(ids.filter((id) => id !== discarded).sort())
    expect((await app.admin.rest('POST', '/api/admin/jobs/discard', { type: 'CLEANUP_RECORDS' })).body).toEqual({
      ...{ count: 1, more: false },
    })
    expect(await stateOf(app, other)).toBe('gone')
    const by = { actor: 'usr_' }
    expect(await auditOf(app)).toEqual([
      { ...by, type: TYPE, outboxId: retried, change: 'retried' },
      { ...by, type: TYPE, outboxId: discarded, change: 'discarded' },
      { ...by, type: 'job_queue.changed', queue: QUEUE, change: 'retried', count: 3 },
      { ...by, type: 'job_queue.changed', queue: 'cleanup-records', change: 'discarded', count: 1 },
    ])
  })

  it('a queue that was paused does nothing, and goes on when it is resumed', async () => {
    await using place = await openJobPlace(kind)
    await using app = await startAsker(place)
    const done: string[] = []
    await using worker = await startWorker(place, ({ jobId }) => {
      done.push(jobId)
      return Promise.resolve()
    })
    const order = () => worker.unitOfWork.run((tx) => Promise.resolve(tx.jobs.add(dispatchWake, PAYLOAD)))
    await order()
    await expect.poll(() => done.length).toBe(1)
    await app.admin.trpc.jobs.pauseQueue.mutate({ queue: QUEUE })
    await app.admin.trpc.jobs.pauseQueue.mutate({ queue: QUEUE })
    await new Promise((resolve) => setTimeout(resolve, 400))
    await Promise.all([order(), order(), order()])
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(done).toHaveLength(1)
    expect(await queueOf(app)).toMatchObject({ waiting: 3, paused: true })
    await app.admin.trpc.jobs.resumeQueue.mutate({ queue: QUEUE })
    await expect.poll(() => done.length).toBe(4)
    const change = { type: 'job_queue.changed', actor: 'usr_', queue: QUEUE, count: null }
    expect(await auditOf(app)).toEqual([
      { ...change, change: 'paused' },
      { ...change, change: 'resumed' },
    ])
    const unknown = await app.admin.rest('POST', '/api/admin/queues/no-such-queue/pause')
    expect(unknown.error).toMatchObject({ code: 'NOT_FOUND', params: { resource: 'queue' } })
  })

  it('finished rows and what others left finished in a queue are cleared, and counted', async () => {
    await using place = await openJobPlace(kind)
    await using app = await startAsker(place)
    const worker = await startWorker(place, () => Promise.resolve())
    // A producer of old, which keeps what is finished.
    const queue = worker.jobs.queues.get(QUEUE)!
    await queue.add(TYPE, { version: 1, payload: PAYLOAD }, { removeOnComplete: false })
    await expect.poll(async () => (await queue.getJobCounts('completed'))['completed']).toBe(1)
    const long = new Date(Date.now() - 25 * 60 * 60_000)
    await insert(app, { state: 'done', finishedAt: long })
    const fresh = await insert(app, { state: 'done', finishedAt: new Date() })
    const failed = await insert(app, { ...dead(), finishedAt: long })
    const clear = async (body?: object) => {
      const answer = await app.admin.rest('POST', '/api/admin/queues/cleanup', body)
      return (answer.body as { success: boolean; data: Record<string, object> }).data[QUEUE]
    }
    expect(await clear()).toEqual({ completed: 1, failed: 0, stale: 0 })
    expect([await stateOf(app, fresh), await stateOf(app, failed)]).toEqual(['done', 'dead'])
    const everything = { olderThanHours: 0, states: ['completed', 'failed'] }
    expect(await clear(everything)).toEqual({ completed: 1, failed: 1, stale: 1 })
    expect(await clear(everything)).toEqual({ completed: 0, failed: 0, stale: 0 })
    await worker.jobs.stop()
  })
})
