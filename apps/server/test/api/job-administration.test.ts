import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

import type { AllQueueStatistics, JobDetail, JobSchedule, JobSummary, Page } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { newId } from '../../src/kernel/index.js'
import { startAppUnderTest, type AppUnderTest, type Caller } from '../../src/testing/app-under-test.js'
import { openJobPlace } from '../../src/testing/job-place.js'

const QUEUE = 'dispatch-wake'
const SCHEDULE = 'CLEANUP_RECORDS'
const UNUSED = newId('outbox')

let app: AppUnderTest

beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_ROLES: 'api' })
})
afterAll(() => app[Symbol.asyncDispose]())

const insertDead = async (row: object = {}): Promise<string> => {
  const id = newId('outbox')
  const dead = { state: 'dead', relayCount: 2, finishedAt: new Date(), lastError: 'Error: no' } as const
  await app.prisma.outbox.create({ data: { id, type: 'DISPATCH_WAKE', payload: {}, ...dead, ...row } })
  return id
}

/** Every call, with an input that an admin may send, and how admins are answered. */
const CALLS: [procedure: string, type: 'query' | 'mutation', method: string, path: string, input: object][] = [
  ['jobs.queues', 'query', 'GET', '/queues', {}],
  ['jobs.cleanup', 'mutation', 'POST', '/queues/cleanup', {}],
  ['jobs.pauseQueue', 'mutation', 'POST', `/queues/${QUEUE}/pause`, { queue: QUEUE }],
  ['jobs.resumeQueue', 'mutation', 'POST', `/queues/${QUEUE}/resume`, { queue: QUEUE }],
  ['jobs.list', 'query', 'GET', '/jobs?state=failed', { state: 'failed' }],
  ['jobs.get', 'query', 'GET', `/jobs/${UNUSED}`, { id: UNUSED }],
  ['jobs.retry', 'mutation', 'POST', `/jobs/${UNUSED}/retry`, { id: UNUSED }],
  ['jobs.discard', 'mutation', 'DELETE', `/jobs/${UNUSED}`, { id: UNUSED }],
  ['jobs.retryAll', 'mutation', 'POST', '/jobs/retry', { type: 'DISPATCH_WAKE' }],
  ['jobs.discardAll', 'mutation', 'POST', '/jobs/discard', { type: 'DISPATCH_WAKE' }],
  ['jobs.schedules', 'query', 'GET', '/schedules', {}],
  ['jobs.pauseSchedule', 'mutation', 'POST', `/schedules/${SCHEDULE}/pause`, { type: SCHEDULE }],
  ['jobs.resumeSchedule', 'mutation', 'POST', `/schedules/${SCHEDULE}/resume`, { type: SCHEDULE }],
  ['jobs.runSchedule', 'mutation', 'POST', `/schedules/${SCHEDULE}/run`, { type: SCHEDULE }],
]

describe('only admins', () => {
  const codesOf = (caller: Caller) =>
    Promise.all(
      CALLS.flatMap(([procedure, type, method, path, input]) => [
        caller.call(type, procedure, input),
        caller.rest(method, `/api/admin${path}`, method === 'POST' ? input : undefined),
      ]).map(async (answer) => (await answer).status),
    )

  it.each(['viewer', 'operator'] as const)('a %s is refused everywhere', async (role) => {
    expect(new Set(await codesOf(await app.logInAs(role)))).toEqual(new Set([403]))
  })

  it('whoever is not logged in is refused everywhere', async () => {
    expect(new Set(await codesOf(app.nobody))).toEqual(new Set([401]))
  })

  it('admins are answered', async () => {
    const statuses = await codesOf(app.admin)
    // Of a job that there is not.
    expect([...new Set(statuses)].sort()).toEqual([200, 404])
    expect(statuses.filter((status) => status === 404)).toHaveLength(6)
  })

  it('the calls above are all that there are', async () => {
    const { paths } = (await app.admin.rest('GET', '/api/openapi.json')).body as { paths: Record<string, object> }
    const offered = Object.entries(paths).filter(([path]) => path.startsWith('/admin/'))
    expect(offered.flatMap(([, methods]) => Object.keys(methods))).toHaveLength(CALLS.length)
  })
})

describe('a job', () => {
  it('is shown without what looks like a secret, by name or by form', async () => {
    const payload = { userId: 'usr_1', smtpPassword: 'hunter2', note: 'Bearer abcdefghijkl', deep: { apiKey: 'k' } }
    const id = await insertDead({
      ...{ payload, lastError: 'Error: smtp://me:hunter2@mail.example.org refused' },
      lastStack: 'Error: smtp://me:hunter2@mail.example.org refused\n    at send',
    })
    const { body } = await app.admin.rest('GET', `/api/admin/jobs/${id}`)
    expect(JSON.stringify(body)).not.toContain('hunter2')
    expect(body as JobDetail).toMatchObject({
      ...{ id, type: 'DISPATCH_WAKE', queue: QUEUE, state: 'failed', isWakeUp: false, attemptsMade: 2, version: 1 },
      payload: {
        userId: 'usr_1',
        smtpPassword: '[redacted]',
        note: 'Bearer [redacted]',
        deep: { apiKey: '[redacted]' },
      },
      error: 'Error: smtp://[redacted]@mail.example.org refused',
    })
    await app.admin.rest('DELETE', `/api/admin/jobs/${id}`)
  })

  it('of a type that nobody knows is counted and can be thrown away, not tried again', async () => {
    const id = await insertDead({ type: 'OF_OTHERS' })
    await expect
      .poll(async () => ((await app.admin.rest('GET', '/api/admin/queues')).body as AllQueueStatistics).data)
      .toMatchObject({ 'of-others': { failed: 1, isKnown: false } })
    expect((await app.admin.rest('POST', `/api/admin/jobs/${id}/retry`)).error?.code).toBe('INVALID_STATE')
    expect((await app.admin.rest('POST', '/api/admin/jobs/retry', { type: 'OF_OTHERS' })).error?.code).toBe(
      'INVALID_STATE',
    )
    const discarded = await app.admin.rest('POST', '/api/admin/jobs/discard', { type: 'OF_OTHERS' })
    expect(discarded.body).toEqual({ count: 1, more: false })
  })

  it('comes on one page of a list only, however small the pages', async () => {
    const ids: string[] = []
    for (let minute = 0; minute < 5; minute += 1) {
      ids.push(await insertDead({ finishedAt: new Date(Date.now() - minute * 60_000) }))
    }
    const found: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const more: string = cursor === '' ? '' : `&cursor=${cursor}`
      const page = (await app.admin.rest('GET', `/api/admin/jobs?state=failed&limit=2&queue=${QUEUE}${more}`))
        .body as Page<JobSummary>
      found.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    }
    expect(found).toEqual(ids)
    const unknown = await app.admin.rest('GET', '/api/admin/jobs?state=failed&queue=none-such')
    expect(unknown.error).toMatchObject({ code: 'NOT_FOUND', params: { resource: 'queue' } })
    await app.admin.rest('POST', '/api/admin/jobs/discard', { type: 'DISPATCH_WAKE' })
  })
})

describe('a schedule', () => {
  const scheduleOf = async () => {
    const all = (await app.admin.rest('GET', '/api/admin/schedules')).body as JobSchedule[]
    return all.find(({ type }) => type === SCHEDULE)
  }
  const ordered = () => app.prisma.outbox.count({ where: { type: SCHEDULE } })

  it('rests when it is paused, and goes on with its next slot', async () => {
    const { trpc } = app.admin
    await trpc.jobs.pauseSchedule.mutate({ type: SCHEDULE })
    expect(await scheduleOf()).toMatchObject({ pausedAt: expect.any(String) as string, times: 'every 600 s' })
    await app.prisma.jobSchedule.update({ where: { type: SCHEDULE }, data: { nextAt: new Date(0) } })
    await trpc.jobs.resumeSchedule.mutate({ type: SCHEDULE })
    const schedule = await scheduleOf()
    expect(schedule).toMatchObject({ pausedAt: null, pausedById: null })
    expect(Date.parse(String(schedule?.nextAt))).toBeGreaterThan(Date.now())
    expect((await app.admin.rest('POST', '/api/admin/schedules/NONE/pause')).error?.code).toBe('NOT_FOUND')
  })

  it('can be run now, once until that is done', async () => {
    await app.prisma.outbox.deleteMany({ where: { type: SCHEDULE } })
    const first = await app.admin.trpc.jobs.runSchedule.mutate({ type: SCHEDULE })
    const second = await app.admin.trpc.jobs.runSchedule.mutate({ type: SCHEDULE })
    expect([first.jobId?.slice(0, 3), second.jobId]).toEqual(['ob_', null])
    expect(await ordered()).toBe(1)
    const events = await app.prisma.event.findMany({ where: { type: 'job_schedule.changed' }, orderBy: { seq: 'asc' } })
    expect(events.slice(-2)).toMatchObject([
      { actorId: expect.stringMatching(/^usr_/) as string, payload: { type: SCHEDULE, change: 'ordered' } },
      { payload: { type: SCHEDULE, change: 'ordered' } },
    ])
  })
})

describe('metrics', () => {
  it('tell how every queue does, and what the jobs of this process did', async () => {
    await using working = await startAppUnderTest({ METRICS_TOKEN: 'a token for scrapes' })
    const id = newId('outbox')
    const data = { id, type: SCHEDULE, payload: {} }
    await working.prisma.outbox.create({ data })
    const scrape = async () => {
      const response = await fetch(`${working.url}/metrics`, {
        headers: { Authorization: 'Bearer a token for scrapes' },
      })
      return response.text()
    }
    await expect.poll(scrape).toContain('gantry_jobs_total{type="CLEANUP_RECORDS",outcome="completed"} 1')
    const text = await scrape()
    for (const name of ['waiting', 'active', 'delayed', 'dead', 'oldest_age_seconds']) {
      expect(text).toMatch(new RegExp(`^gantry_jobs_${name}\\{queue="dispatch-wake"\\} 0$`, 'm'))
    }
    expect(text).toContain('gantry_job_queue_paused{queue="cleanup-records"} 0')
    expect(text).toContain('gantry_job_queues_reachable 1')
    expect(text).toMatch(/^gantry_job_wait_seconds_count\{type="CLEANUP_RECORDS"\} 1$/m)
    expect(text).toMatch(/^gantry_job_run_seconds_count\{type="CLEANUP_RECORDS"\} 1$/m)
  })
})

/** A way to Redis that can be cut: what is sent then goes nowhere. */
const openRedisGate = async (url: string) => {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  let shut = false
  const gate = createServer((client) => {
    sockets.add(client.on('error', () => undefined))
    if (shut) return
    const redis = connect(Number(port), hostname).on('error', () => undefined)
    sockets.add(redis)
    client.on('data', (bytes) => shut || redis.write(bytes)).on('close', () => redis.destroy())
    redis.on('data', (bytes) => shut || client.write(bytes)).on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve))
  return {
    url: `redis://127.0.0.1:${(gate.address() as AddressInfo).port}`,
    shut: () => (shut = true),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => gate.close(resolve))
    },
  }
}

describe('while Redis does not answer', () => {
  it('statistics come from the rows, lists too, and what needs the queues is refused', async () => {
    await using place = await openJobPlace('redis')
    await using gate = await openRedisGate(place.environment['REDIS_URL'] ?? '')
    const environment = { ...place.environment, REDIS_URL: gate.url, GANTRY_ROLES: 'api' }
    await using lonely = await startAppUnderTest(environment)
    const ids = ['pending', 'relayed', 'dead'].map((state) => ({ id: newId('outbox'), state }))
    for (const { id, state } of ids) {
      const finishedAt = state === 'dead' ? new Date() : null
      const data = { id, type: 'DISPATCH_WAKE', payload: {}, relayCount: 1, finishedAt }
      await lonely.prisma.outbox.create({ data: { ...data, state: state as 'pending' } })
    }
    gate.shut()
    const statistics = async () => (await lonely.admin.rest('GET', '/api/admin/queues')).body as AllQueueStatistics
    await expect.poll(statistics).toMatchObject({
      ...{ success: true, queueReachable: false },
      data: { [QUEUE]: { waiting: 2, active: 0, failed: 1 } },
    })
    const listed = await lonely.admin.rest('GET', `/api/admin/jobs?state=waiting&queue=${QUEUE}`)
    expect((listed.body as Page<JobSummary>).items).toHaveLength(2)
    const [pending, relayed] = ids
    const codeOf = async (method: string, path: string) => (await lonely.admin.rest(method, path)).error?.code
    expect(await codeOf('GET', '/api/admin/jobs?state=active')).toBe('UNAVAILABLE')
    expect(await codeOf('DELETE', `/api/admin/jobs/${relayed!.id}`)).toBe('UNAVAILABLE')
    expect(await codeOf('DELETE', `/api/admin/jobs/${pending!.id}`)).toBeUndefined()
    const cleaned = (await lonely.admin.rest('POST', '/api/admin/queues/cleanup', {})).body
    expect(cleaned).toMatchObject({ success: true, data: { [QUEUE]: { completed: 0, failed: 0, stale: null } } })
  })
})
