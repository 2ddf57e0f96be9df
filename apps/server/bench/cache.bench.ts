import { deflateRawSync, inflateRawSync } from 'node:zlib'

import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'

import { startCache, type StartedCache } from '../src/cache/create-cache.js'
import { newId, systemClock } from '../src/kernel/index.js'
import { ensureRedisInstalled, startRedisServer } from '../src/testing/redis-server.js'
import { median, percentile, range, type Bench, type BenchOptions, type BenchResult, type Row } from './report.js'

const KEYS = 1_000
const PREFIX = 'bench'
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
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

/** Calls per second, one after the other. */
const rate = async (calls: number, call: (n: number) => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  for (let n = 0; n < calls; n += 1) await call(n)
  return (calls / (performance.now() - began)) * 1_000
}

type Contender = readonly [what: string, call: (n: number) => Promise<unknown>]

/** All in turn, round by round, so that what else the machine does strikes each. */
const race = async (rounds: number, calls: number, contenders: readonly Contender[]): Promise<number[][]> => {
  const rates = contenders.map((): number[] => [])
  for (let round = 0; round <= rounds; round += 1) {
    for (const [n, [, call]] of contenders.entries()) {
      const perSecond = await rate(calls, call)
      // The first round warms up.
      if (round > 0) rates[n]?.push(perSecond)
    }
  }
  return rates
}

const rowsOf = (contenders: readonly Contender[], rates: readonly number[][]): Row[] =>
  contenders.map(([what], n) => {
    const [first = [], own = []] = [rates[0], rates[n]]
    const ratios = own.map((perSecond, round) => perSecond / (first[round] ?? NaN))
    const note = n === 0 ? '' : `${median(ratios).toFixed(2)} of the first (${range(ratios)})`
    return { what, value: `${Math.round(median(own)).toLocaleString('en')}/s`, note }
  })

const memoryHits = async ({ quick }: BenchOptions): Promise<{ rows: Row[]; rates: number[][] }> => {
  const opened = openBenchCache(null)
  const { cache } = opened
  const value = valueOf(2_048)
  const [map, lru] = [new Map<string, object>(), new LRUCache<string, object>({ max: 10_000 })]
  const keys = Array.from({ length: KEYS }, (_, n) => `printers:${n}`)
  for (const key of keys) {
    map.set(key, value)
    lru.set(key, value)
    await cache.set(key, value, { ttl: 3_600, tags: ['printer'] })
  }
  const key = (n: number) => keys[n % KEYS] ?? ''
  const contenders: Contender[] = [
    ['memory: Map, awaited', (n) => Promise.resolve(map.get(key(n)))],
    ['memory: lru-cache, awaited', (n) => Promise.resolve(lru.get(key(n)))],
    ['memory: our get', (n) => cache.get(key(n))],
    ['memory: our getOrSet', (n) => cache.getOrSet(key(n), () => Promise.reject(new Error('a miss')), { ttl: 60 })],
  ]
  const rates = await race(quick ? 3 : 7, quick ? 50_000 : 300_000, contenders)
  await opened.stop()
  return { rows: rowsOf(contenders, rates), rates }
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
  const rates = await race(quick ? 2 : 7, quick ? 300 : 3_000, contenders)
  await Promise.all([writer.stop(), reader.stop()])
  raw.disconnect()
  const size = `Redis, ${Math.round(bytes / 1024)} KB: `
  const named = contenders.map(([what, call]) => [size + what, call] as const)
  const latency = `; p50 ${median(waits).toFixed(2)} ms, p99 ${percentile(waits, 0.99).toFixed(2)} ms`
  const rows = rowsOf(named, rates)
  return {
    rows: rows.map((row, n) => (n === 2 ? { ...row, note: `${row.note ?? ''}, aim 0.8${latency}` } : row)),
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

const run = async (options: BenchOptions): Promise<BenchResult> => {
  await ensureRedisInstalled()
  await using redis = await startRedisServer()
  const memory = await memoryHits(options)
  options.progress('memory is measured')
  const small = await fromRedis(redis.url, 2_048, options)
  const large = await fromRedis(redis.url, 51_200, options)
  options.progress('Redis is measured')
  const batches = [await many(redis.url, 64, options), await many(redis.url, 1_000, options)]
  return {
    name: 'cache',
    title: 'Hits of the cache, in one process',
    rows: [...memory.rows, ...small.rows, ...large.rows, ...batches.flatMap(({ rows }) => rows)],
    data: { memory: memory.rates, small: small.rates, large: large.rates, many: batches.map(({ times }) => times) },
  }
}

export const cacheBench: Bench = { name: 'cache', run }
