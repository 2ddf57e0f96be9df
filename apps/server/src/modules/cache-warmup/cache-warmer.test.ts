import { expect, it } from 'vitest'

import type { ManualClock } from '../../testing/manual-clock.js'
import { openMemoryCache } from '../../testing/cache-rig.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { CacheWarmer, type CacheWarmerDeps } from './cache-warmer.js'
import { cacheWarmupHandler } from './cache-warmup.handler.js'
import { cacheWarmup } from './cache-warmup.jobs.js'
import type { HotQuery } from './cache-warmup.ports.js'

const hot = (count: number, query = 'files.list'): HotQuery[] =>
  Array.from({ length: count }, (_, n) => ({ query, input: n, role: 'operator' as const }))

/** Lets time pass until the work is done. */
const meanwhile = async <T>(clock: ManualClock, work: Promise<T>): Promise<T> => {
  const state = { isDone: false }
  const done = work.finally(() => (state.isDone = true))
  while (!state.isDone) await clock.advance(10)
  return done
}

const open = (queries: HotQuery[], more: Partial<CacheWarmerDeps> = {}) => {
  const { cache, clock, instance } = openMemoryCache()
  const asked: [number, string, unknown][] = []
  const ask = (name: string) => (actor: { role: string }, input: unknown) => {
    asked.push([clock.monotonicMs(), `${name} ${actor.role}`, input])
    return input === 'broken' ? Promise.reject(new Error('broken')) : Promise.resolve()
  }
  const log = recordingLogger()
  const warmer = new CacheWarmer({
    queries: { 'files.list': ask('files.list'), 'alarms.list': ask('alarms.list') },
    hottest: (limit) => Promise.resolve(queries.slice(0, limit)),
    isDatabaseReachable: () => Promise.resolve(true),
    ...{ cache, clock, log, ...more },
  })
  const { signal } = new AbortController()
  const run = () => meanwhile(clock, warmer.run(null, signal))
  return { warmer, clock, instance, asked, run, log }
}

it('asks at most a hundred queries, twenty a second, as their role does', async () => {
  const { asked, run } = open(hot(150))
  expect(await run()).toBe(100)
  expect(asked).toHaveLength(100)
  const pauses = asked.slice(1).map(([atMs], n) => atMs - asked[n]![0])
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(50)
  expect(asked[0]?.slice(1)).toEqual(['files.list operator', 0])
})

it('does nothing while the database, or the way of invalidations, is cut', async () => {
  const away = open(hot(5), { isDatabaseReachable: () => Promise.resolve(false) })
  expect(await away.run()).toBe(0)
  const deaf = open(hot(5))
  deaf.instance.deafen()
  await deaf.clock.advance(10_000)
  expect(await deaf.run()).toBe(0)
  expect([...away.asked, ...deaf.asked]).toEqual([])
})

it('does nothing while Redis is in trouble', async () => {
  const { cache } = openMemoryCache()
  for (const trouble of [{ connected: false }, { breaker: 'open' as const }, { inStep: false }]) {
    const redis = { connected: true, breaker: 'closed' as const, inStep: true, ...trouble }
    const { asked, run } = open(hot(5), { cache: { stats: () => ({ ...cache.stats(), redis }) } })
    expect(await run()).toBe(0)
    expect(asked).toEqual([])
  }
})

it('passes over what fails, and gives up after three failures in a row', async () => {
  const broken = { query: 'files.list', input: 'broken', role: 'viewer' as const }
  const [good] = hot(1)
  const { asked, run } = open([broken, broken, good!, broken, broken, broken, good!])
  expect(await run()).toBe(1)
  expect(asked).toHaveLength(6)
})

it('stops when it is told to', async () => {
  const { warmer, clock, asked } = open(hot(10))
  const stop = new AbortController()
  const running = warmer.run(null, stop.signal)
  await clock.advance(0)
  stop.abort(new Error('stopped'))
  await expect(running).rejects.toThrow('stopped')
  expect(asked).toHaveLength(1)
})

it('the job of an older producer warms up what is known of its keys, and all when nothing is', async () => {
  const { warmer, clock, asked, log } = open([...hot(2), ...hot(1, 'alarms.list')])
  const handler = cacheWarmupHandler(warmer, log)
  const { signal } = new AbortController()
  const handled = async (legacy: unknown) => {
    const payload = cacheWarmup.payload.parse(cacheWarmup.earlier?.[1]?.(legacy))
    await meanwhile(clock, handler.handle({ jobId: '1', payload, attempt: 1, attempts: 2, signal }))
    return asked.splice(0).map(([, what]) => what.split(' ')[0])
  }
  const dataSource = 'database'
  expect(await handled({ cacheKeys: ['alarms.list', 'users:all'], dataSource })).toEqual(['alarms.list'])
  expect(log.lines.filter(({ level }) => level === 'warn')).toMatchObject([{ fields: { unknown: ['users:all'] } }])
  const all = ['files.list', 'files.list', 'alarms.list']
  expect(await handled({ cacheKeys: ['users:all'], dataSource })).toEqual(all)
  expect(await handled('nonsense')).toEqual(all)
})
