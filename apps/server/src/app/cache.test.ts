import { readFile } from 'node:fs/promises'

import pg from 'pg'
import { describe, expect, it } from 'vitest'

import { configFrom, type Environment } from '../config/config.js'
import { SETTINGS } from '../config/settings.js'
import { createEventLog } from '../db/event-log.js'
import { repositoriesFor } from '../db/repositories.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import { createPostgresBus } from '../events/postgres-bus.js'
import { Lifecycle, newId, systemClock } from '../kernel/index.js'
import { createMetrics, type Metrics } from '../observability/metrics.js'
import { openTestDatabase, type OpenDatabase } from '../testing/open-database.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { openTestRedis } from '../testing/redis.js'
import { openCache } from './cache.js'

/** The cache of a process as the application composes it, on a real database. */
const openProcess = async (database: OpenDatabase, environment: Environment = {}) => {
  const { prisma, url } = database
  const log = recordingLogger()
  const lifecycle = new Lifecycle(log)
  const applicationName = newId('instance')
  const bus = createPostgresBus({ ...{ url, log, applicationName }, eventLog: createEventLog(prisma) })
  await bus.start()
  lifecycle.onStop('bus', () => bus.stop())
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: bus })
  const metrics = createMetrics({ collectDefaults: false })
  const cache = openCache({
    ...{ config: configFrom(environment, '/srv'), persistence: { bus, unitOfWork }, metrics, log, lifecycle },
    ...{ instanceId: newId('instance'), clock: systemClock },
  })
  return { cache, unitOfWork, metrics, bus, applicationName, [Symbol.asyncDispose]: () => lifecycle.stop() }
}

const textOf = async (metrics: Metrics) => (await metrics.expose('prometheus')).text

const cutListening = async (url: string, applicationName: string): Promise<void> => {
  const client = new pg.Client(url)
  await client.connect()
  await client.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
    applicationName,
  ])
  await client.end()
}

const TAGGED = { ttl: 600, tags: ['printer'] }

describe('two processes with memory alone', () => {
  it('hear of each other’s invalidations by the database', async () => {
    await using database = await openTestDatabase({ poolSize: 8 })
    await using one = await openProcess(database)
    await using two = await openProcess(database)
    for (const { cache } of [one, two]) {
      await cache.set('list', 'old', TAGGED)
      await cache.mset(
        [
          ['user:1', 'old'],
          ['single', 'old'],
        ],
        { ttl: 600 },
      )
    }
    await one.cache.invalidateTags(['printer'])
    await one.cache.invalidatePattern('user:*')
    await one.cache.del('single')
    await expect.poll(() => two.cache.mget(['list', 'user:1', 'single'])).toEqual([undefined, undefined, undefined])
  })

  it('drop what an event is about when its transaction is committed, and not before', async () => {
    await using database = await openTestDatabase({ poolSize: 8 })
    await using one = await openProcess(database)
    await using two = await openProcess(database)
    await two.cache.set('list', 'old', TAGGED)
    await one.unitOfWork.run((tx) => {
      const printerId = newId('printer')
      tx.record(
        { type: 'printer.updated', subjectType: 'printer', subjectId: printerId, payload: { printerId } },
        'system',
      )
      expect(two.cache.peek('list')?.value).toBe('old')
      return Promise.resolve()
    })
    await expect.poll(() => two.cache.get('list')).toBeUndefined()
  })

  it('miss nothing when the connection that listens is cut', async () => {
    await using database = await openTestDatabase({ poolSize: 8 })
    await using one = await openProcess(database)
    await using two = await openProcess(database)
    await two.cache.set('list', 'old', TAGGED)
    await cutListening(database.url, two.applicationName)
    await one.cache.invalidateTags(['printer'])
    await expect.poll(() => two.cache.get('list')).toBeUndefined()
  })

  it('take a new strategy together', async () => {
    await using database = await openTestDatabase({ poolSize: 8 })
    await using one = await openProcess(database)
    await using two = await openProcess(database)
    await one.cache.setStrategy('swr', 'usr_1')
    await expect.poll(() => two.cache.strategy).toBe('swr')
  })

  it('answer as long as the database is heard of', async () => {
    await using database = await openTestDatabase({ poolSize: 8 })
    await using one = await openProcess(database)
    await one.cache.set('list', 'old', TAGGED)
    expect(one.cache.peek('list')?.value).toBe('old')
    await one.bus.stop()
    await expect.poll(() => one.cache.stats().memory.answering).toBe(false)
    expect(one.cache.peek('list')).toBeUndefined()
  })
})

describe('the numbers of the cache', () => {
  it('are metrics by layer and group, without a key', async () => {
    await using database = await openTestDatabase({ poolSize: 8 })
    await using redis = openTestRedis()
    await using one = await openProcess(database, { REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix })
    const { cache, metrics } = one
    await expect.poll(() => cache.stats().redis).toMatchObject({ inStep: true })
    const load = () => Promise.resolve('x'.repeat(5_000))
    for (let n = 0; n < 3; n += 1) await cache.getOrSet('printers:somebody@example.org', load, { ttl: 60 })
    await expect.poll(() => textOf(metrics)).toMatch(/gantry_cache_saved_bytes_total\{group="printers"\} [1-9]/)
    const text = await textOf(metrics)
    expect(text).toContain('gantry_cache_hits_total{layer="memory",group="printers"} 2')
    expect(text).toContain('gantry_cache_misses_total{layer="redis",group="printers"} 1')
    expect(text).toContain('gantry_cache_loads_total{group="printers"} 1')
    expect(text).toContain('gantry_cache_breaker_state 0')
    expect(text).toContain('gantry_cache_memory_entries 1')
    expect(text).toMatch(/gantry_cache_redis_seconds_count\{operation="read"\} [1-9]/)
    expect(text).not.toContain('somebody')
  })

  it('stand in the reference, and so do the settings of the cache', async () => {
    await using database = await openTestDatabase()
    await using one = await openProcess(database)
    const page = await readFile(new URL('../../../../docs/reference/caching.md', import.meta.url), 'utf8')
    const listed = (names: RegExp) => [...page.matchAll(names)].map(([, name]) => name).sort()
    const metrics = one.metrics.families().map(({ name }) => name)
    const ours = metrics.filter((name) => name.startsWith('gantry_cache_'))
    expect(listed(/^\| `(gantry_cache_\w+)`/gm)).toEqual(ours.sort())
    const settings = Object.keys(SETTINGS).filter((name) => /^(CACHE|REDIS)_/.test(name))
    expect(listed(/^\| `([A-Z_]+)`/gm)).toEqual(settings.sort())
  })
})
