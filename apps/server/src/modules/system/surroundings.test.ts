import type { AllQueueStatistics, CacheStats, DatabaseHealth } from '@gantry/schemas'
import { describe, expect, it } from 'vitest'

import { systemClock } from '../../kernel/index.js'
import { Surroundings, type SurroundingsDeps } from './surroundings.js'

const pool = { max: 10, total: 1, idle: 1, waiting: 0 }
const database: DatabaseHealth = {
  primary: { reachable: true, latencySeconds: 0.001, error: null, pool },
  replicas: [{ name: 'r/db', state: 'usable', latencySeconds: 0.001, lagSeconds: 0, outstandingReads: 0, pool }],
  maxLagSeconds: 2,
}
const cache: CacheStats = {
  strategy: 'simple',
  memory: { entries: 1, maxEntries: 10, bytes: 1, maxBytes: 10, answering: true },
  redis: { connected: true, breaker: 'closed', inStep: true },
  groups: [],
}
const queue = (oldestAgeSeconds: number | null, failed: number) => ({
  ...{ waiting: 1, active: 0, completed: 5, failed, delayed: 0, paused: false, isKnown: true, oldestAgeSeconds },
  ...{ throughputPerMinute: 0, lastHour: [] },
  ...{ waitMs: { p50: null, p95: null, p99: null }, runMs: { p50: null, p95: null, p99: null } },
})
const queues: AllQueueStatistics = {
  ...{ success: true, queueReachable: true },
  data: { 'data-export': queue(3, 0), 'cleanup-tokens': queue(null, 0) },
}
const storage = { freeBytes: 1_000, totalBytes: 2_000, reservedBytes: 500 }
const printers = { enabled: 2, connected: 2, disconnected: 0, stale: 0 }

const look = (deps: Partial<SurroundingsDeps> = {}) =>
  new Surroundings({
    ...{ instanceId: 'ins_1', roles: ['api'], clock: systemClock, mask: (text) => text.replace('hunter2', '***') },
    ...{ databaseHealth: () => Promise.resolve(database), cache: { stats: () => cache } },
    ...{ queues: () => Promise.resolve(queues), oldestOrder: () => Promise.resolve(null) },
    ...{ storage: () => Promise.resolve(storage), printers: () => Promise.resolve(printers), lastErrors: () => [] },
    ...deps,
  }).look()

const states = async (deps: Partial<SurroundingsDeps> = {}) =>
  Object.fromEntries(
    Object.entries(await look(deps)).flatMap(([name, part]) =>
      typeof part === 'object' && 'status' in part ? [[name, part.status]] : [],
    ),
  )
const ALL_WELL = {
  ...{ database: 'ok', redis: 'ok', cache: 'ok', queues: 'ok', outbox: 'ok', storage: 'ok', printers: 'ok' },
}
const never = () => new Promise<never>(() => undefined)
const broken = () => Promise.reject(new Error('no route to hunter2'))

describe('what is around an instance', () => {
  it('is all well', async () => {
    expect(await states()).toEqual(ALL_WELL)
    const { queues: seen } = await look()
    expect(seen.detail).toMatchObject({ failed: 0, lagSeconds: 3, queues: { 'data-export': { lagSeconds: 3 } } })
  })

  it('is told although a part fails, with why, and without its secrets', async () => {
    const seen = await look({ databaseHealth: broken, queues: broken, oldestOrder: broken, storage: broken })
    expect(seen.database).toMatchObject({ status: 'failed', error: 'no route to ***', detail: null })
    expect(seen.printers.status).toBe('ok')
  })

  it('is told although parts never answer, all of them within one deadline', async () => {
    const beganMs = performance.now()
    const seen = await states({ databaseHealth: never, queues: never, oldestOrder: never, printers: never })
    expect(seen).toEqual({
      ...ALL_WELL,
      ...{ database: 'failed', queues: 'failed', outbox: 'failed', printers: 'failed' },
    })
    expect(performance.now() - beganMs).toBeLessThan(2 * 2_000)
  })

  it.each<[string, Partial<SurroundingsDeps>, object]>([
    [
      'the primary is away',
      { databaseHealth: () => Promise.resolve({ ...database, primary: { ...database.primary, reachable: false } }) },
      { database: 'failed' },
    ],
    [
      'a replica lags',
      {
        databaseHealth: () =>
          Promise.resolve({
            ...database,
            replicas: database.replicas.map((r) => ({ ...r, state: 'lagging' as const })),
          }),
      },
      { database: 'degraded' },
    ],
    ['no Redis is configured', { cache: { stats: () => ({ ...cache, redis: null }) } }, { redis: 'off' }],
    [
      'the breaker is open',
      { cache: { stats: () => ({ ...cache, redis: { connected: true, breaker: 'open', inStep: true } }) } },
      { redis: 'degraded' },
    ],
    [
      'Redis is away, and no invalidation can arrive',
      {
        cache: {
          stats: () => ({
            ...cache,
            ...{ redis: { connected: false, breaker: 'open', inStep: false } },
            memory: { ...cache.memory, answering: false },
          }),
        },
      },
      { redis: 'failed', cache: 'degraded' },
    ],
    [
      'the queues are away',
      { queues: () => Promise.resolve({ ...queues, queueReachable: false }) },
      { queues: 'failed' },
    ],
    [
      'a job is dead',
      { queues: () => Promise.resolve({ ...queues, data: { x: queue(null, 1) } }) },
      { queues: 'degraded' },
    ],
    ['an order waits for its queue', { oldestOrder: () => Promise.resolve(61) }, { outbox: 'degraded' }],
    ['the disk is full', { storage: () => Promise.resolve({ ...storage, freeBytes: 500 }) }, { storage: 'degraded' }],
    [
      'a printer is away',
      { printers: () => Promise.resolve({ ...printers, connected: 1, disconnected: 1 }) },
      { printers: 'degraded' },
    ],
  ])('shows that %s', async (_what, deps, shown) => {
    expect(await states(deps)).toEqual({ ...ALL_WELL, ...shown })
  })
})
