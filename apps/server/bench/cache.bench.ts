import { deflateRawSync, inflateRawSync } from 'node:zlib'

import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'

import { startCache, type StartedCache } from '../src/cache/create-cache.js'
import { newId, systemClock } from '../src/kernel/index.js'
import { ensureRedisInstalled, startRedisServer } from '../processes/redis-server.js'
import { openLibraries } from './cache-libraries.js'
import { dropsElsewhere, withoutRedis, type OpenCache } from './cache-troubles.js'
import { race, rowsOf, type Contender } from './race.js'
import { median, percentile, range, type Bench, type BenchOptions, type BenchResult, type Row } from './report.js'

const KEYS = 1_000
const PREFIX = 'bench'
const silent = {
  isEnabled: () => false,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
const log = { ...silent, child: () => log }

/** A cache of a process that hears of everything. */
const openBenchCache = (url: string | null, maxEntries = 10_000): StartedCache =>
  startCache({
    settings: {
      ...{ strategy: 'simple', compressOverBytes: 1_024 },
      memory: { maxEntries, maxBytes: 256 * 1024 * 1024 },
      redis: url === null ? null : { url, prefix: PREFIX },
    },
    bus: {
      onEvent: () => () => undefined,
      onRecorded: () => () => undefined,
      onGap: () => () => undefined,
      currentAsOfMs: () => Infinity,
    },
    records: { invalidated: () => Promise.resolve(), strategyChanged: () => Promise.resolve() },
    ...{ instanceId: newId('instance'), clock: systemClock, log, observe: () => undefined },
  })

const valueOf = (bytes: number): object => {
  const printer = (n: number) => ({
    id: `prn_${n}`,
    name: `Printer ${n}`,
    state: 'idle',
    progress: n / 7,
    bed: 'clear',
  })
  const list: object[] = []
  for (let size = 0, n = 0; size < bytes; n += 1, size += JSON.stringify(list.at(-1)).length + 1) list.push(printer(n))
  return { items: list }
}

/** Of single calls, each with two looks at the clock. */
const latency = async (calls: number, call: (n: number) => Promise<unknown>): Promise<string> => {
  const waits: number[] = []
  for (let n = 0; n < calls; n += 1) {
    const began = performance.now()
    await call(n)
    waits.push((performance.now() - began) * 1_000)
  }
  return `p50 ${median(waits).toFixed(1)} µs, p99 ${percentile(waits, 0.99).toFixed(1)} µs`
}

/** Ours against the quickest of the libraries, which need not be the same in every round. */
const againstLibraries = (own: readonly number[], libraries: readonly number[][]): Row => {
  const ratios = own.map((perSecond, round) => perSecond / Math.max(...libraries.map((rates) => rates[round] ?? NaN)))
  return {
    what: 'memory: our get / the fastest library',
    value: median(ratios).toFixed(2),
    note: `${range(ratios)}, aim at least 1`,
  }
}

const memoryHits = async ({ quick }: BenchOptions): Promise<{ rows: Row[]; rates: number[][] }> => {
  const opened = openBenchCache(null)
  const { cache } = opened
  const libraries = openLibraries(10_000)
  const value = valueOf(2_048)
  const [map, lru] = [new Map<string, object>(), new LRUCache<string, object>({ max: 10_000 })]
  const keys = Array.from({ length: KEYS }, (_, n) => `printers:${n}`)
  for (const key of keys) {
    map.set(key, value)
    lru.set(key, value)
    await cache.set(key, value, { ttl: 3_600, tags: ['printer'] })
    for (const library of libraries) await library.set(key, value)
  }
  const key = (n: number) => keys[n % KEYS] ?? ''
  const ours: Contender = ['memory: our get', (n) => cache.get(key(n))]
  const contenders: Contender[] = [
    ['memory: Map, awaited', (n) => Promise.resolve(map.get(key(n)))],
    ['memory: lru-cache, awaited', (n) => Promise.resolve(lru.get(key(n)))],
    ours,
    ['memory: our getOrSet', (n) => cache.getOrSet(key(n), () => Promise.reject(new Error('a miss')), { ttl: 60 })],
    ...libraries.map(({ name, get }): Contender => [`memory: ${name}`, (n) => get(key(n))]),
  ]
  for (const [what, call] of contenders) {
    if ((await call(0)) === undefined) throw new Error(`${what} did not keep it`)
  }
  const rates = await race(contenders, quick ? { rounds: 3, ms: 50 } : { rounds: 7, ms: 300 })
  const [, oursCall] = ours
  const waits = await latency(quick ? 10_000 : 200_000, oursCall)
  await Promise.all([opened.stop(), ...libraries.map(({ close }) => close())])
  const rows = rowsOf(contenders, rates).map((row) =>
    row.what === ours[0] ? { ...row, note: `${row.note ?? ''}; ${waits}` } : row,
  )
  const others = rates.slice(contenders.length - libraries.length)
  return { rows: [...rows, againstLibraries(rates[contenders.indexOf(ours)] ?? [], others)], rates }
}

/** The reader keeps a single value in memory, so that each comes out of Redis. */
const fromRedis = async (url: string, bytes: number, { quick }: BenchOptions) => {
  const raw = new Redis(url)
  const [writer, reader] = [openBenchCache(url), openBenchCache(url, 1)]
  await untilInStep([writer, reader])
  const value = valueOf(bytes)
  const text = JSON.stringify(value)
  const keys = Array.from({ length: 100 }, (_, n) => `list:${n}`)
  await writer.cache.mset(
    keys.map((key) => [key, value] as const),
    { ttl: 3_600, tags: ['printer'] },
  )
  await raw.mset(Object.fromEntries(keys.map((key) => [`plain:${key}`, text])))
  await raw.mset(Object.fromEntries(keys.map((key) => [`packed:${key}`, deflateRawSync(text, { level: 3 })])))
  const key = (n: number) => keys[n % keys.length] ?? ''
  const nothing = Buffer.alloc(0)
  const waits: number[] = []
  const contenders: Contender[] = [
    [
      'raw get + inflate + JSON.parse',
      async (n) =>
        JSON.parse(inflateRawSync((await raw.getBuffer(`packed:${key(n)}`)) ?? nothing).toString()) as unknown,
    ],
    ['raw get + JSON.parse', async (n) => JSON.parse((await raw.get(`plain:${key(n)}`)) ?? '') as unknown],
    [
      'our get, compressed',
      async (n) => {
        const began = performance.now()
        if ((await reader.cache.get(key(n))) === undefined) throw new Error('Redis did not have it')
        waits.push(performance.now() - began)
      },
    ],
  ]
  const rates = await race(contenders, quick ? { rounds: 2, ms: 100 } : { rounds: 7, ms: 600 })
  await Promise.all([writer.stop(), reader.stop()])
  raw.disconnect()
  const size = `Redis, ${Math.round(bytes / 1024)} KB: `
  const named = contenders.map(([what, call]) => [size + what, call] as const)
  const waited = `; p50 ${median(waits).toFixed(2)} ms, p99 ${percentile(waits, 0.99).toFixed(2)} ms`
  const rows = rowsOf(named, rates)
  return {
    rows: rows.map((row, n) => (n === 2 ? { ...row, note: `${row.note ?? ''}, aim 0.8${waited}` } : row)),
    rates,
  }
}

/** @param bytes of each value; what is unpacked and parsed of a hundred is no quicker for being fetched together */
const many = async (url: string, bytes: number, { quick }: BenchOptions) => {
  const [writer, reader] = [openBenchCache(url), openBenchCache(url)]
  await untilInStep([writer, reader])
  const keys = Array.from({ length: 100 }, (_, n) => `many:${n}`)
  const ways: Contender[] = [
    [
      '100 gets, one after another',
      async () => {
        for (const key of keys) await reader.cache.get(key)
      },
    ],
    ['100 gets at once', () => Promise.all(keys.map((key) => reader.cache.get(key)))],
    ['mget of 100', () => reader.cache.mget(keys)],
  ]
  const value = valueOf(bytes)
  const times = ways.map((): number[] => [])
  for (let round = 0; round <= (quick ? 3 : 30); round += 1) {
    for (const [n, [, read]] of ways.entries()) {
      await writer.cache.mset(
        keys.map((key) => [key, value] as const),
        { ttl: 3_600 },
      )
      await new Promise((resolve) => setTimeout(resolve, 10))
      const began = performance.now()
      await read(round)
      if (round > 0) times[n]?.push(performance.now() - began)
    }
  }
  await Promise.all([writer.stop(), reader.stop()])
  const [slow = []] = times
  const rows = ways.map(([what], n): Row => {
    const own = times[n] ?? []
    const note = n === 0 ? '' : `${(median(slow) / median(own)).toFixed(1)} × as fast${n === 2 ? ' (aim 10)' : ''}`
    return { what: `${what}, of ${JSON.stringify(value).length} bytes`, value: `${median(own).toFixed(2)} ms`, note }
  })
  return { rows, times }
}

const untilInStep = async (caches: readonly StartedCache[]): Promise<void> => {
  for (let tried = 0; caches.some(({ cache }) => cache.stats().redis?.inStep !== true); tried += 1) {
    if (tried === 200) throw new Error('the cache does not come into step with Redis')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const openInStep: OpenCache = async (url) => {
  const opened = openBenchCache(url)
  await untilInStep([opened])
  return opened
}

const run = async (options: BenchOptions): Promise<BenchResult> => {
  await ensureRedisInstalled()
  await using redis = await startRedisServer()
  const memory = await memoryHits(options)
  options.progress('memory is measured')
  const small = await fromRedis(redis.url, 2_048, options)
  const large = await fromRedis(redis.url, 51_200, options)
  options.progress('Redis is measured')
  const batches = [await many(redis.url, 64, options), await many(redis.url, 1_000, options)]
  options.progress('many values are measured')
  const drops = await dropsElsewhere(redis.url, openInStep, options.quick ? 50 : 1_000)
  const troubles = await withoutRedis(openInStep, options.quick ? 1 : 5)
  return {
    name: 'cache',
    title: 'Hits of the cache, in one process',
    rows: [...memory.rows, ...small.rows, ...large.rows, ...batches.flatMap(({ rows }) => rows), drops, ...troubles],
    data: { memory: memory.rates, small: small.rates, large: large.rates, many: batches.map(({ times }) => times) },
  }
}

export const cacheBench: Bench = { name: 'cache', run }
