import { setTimeout as sleep } from 'node:timers/promises'

import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { TcpProxy } from '../../faults/farm/tcp-proxy.js'
import { CacheRig, type CacheInstance } from '../testing/cache-rig.js'
import { startRedisServer, type RedisServer } from '../../processes/redis-server.js'
import { REDIS_TIMINGS, type RedisTimings } from './redis-link.js'

/*
 * Truth is a number that grows; whoever changes it invalidates its tag. Readers on two instances must never see a
 * number that was no longer true when they asked, but for the moment that word of a change needs; and nothing rejects.
 */

/** Long enough for what a busy machine makes late; what is measured here are answers, not times. */
const PATIENT: RedisTimings = { commandMs: 2_000, slowMs: 2_000, beatMs: 50 }
/** How long a change may stay unheard; the tests' machines are slower than the promise is. */
const GRACE_MS = 200
const RECOVERED = { timeout: 5_000 + 15_000, interval: 20 }

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)
beforeEach(() => {
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(() => {
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

const inStep = (...instances: CacheInstance[]) =>
  Promise.all(
    instances.map(({ cache }) =>
      expect
        .poll(() => cache.stats().redis, RECOVERED)
        .toMatchObject({ connected: true, breaker: 'closed', inStep: true }),
    ),
  )

/** Two instances on one Redis, through a proxy that can break. */
const open = async (timings: RedisTimings = PATIENT) => {
  let server: RedisServer | null = await startRedisServer()
  const { port } = server
  const proxy = new TcpProxy(() => server)
  const url = `redis://127.0.0.1:${await proxy.start()}`
  const rig = new CacheRig({ settings: { redis: { url, prefix: 'faults' } }, timings })
  const [one, two] = [rig.start(), rig.start()]
  await inStep(one, two)
  const behind = new Redis(port, { lazyConnect: true })
  behind.on('error', () => undefined)
  await behind.connect()
  const stop = async () => {
    await server?.stop()
    server = null
  }
  return {
    ...{ rig, one, two, proxy, behind, stop },
    restart: async () => {
      await stop()
      server = await startRedisServer({ port })
    },
    [Symbol.asyncDispose]: async () => {
      await rig[Symbol.asyncDispose]()
      behind.disconnect()
      await proxy.stop()
      await stop()
    },
  }
}
type Pair = Awaited<ReturnType<typeof open>>

const KEYS = 20

/** Reads and changes all the time, on both instances, by every way to read. */
class Workload {
  readonly counts = { reads: 0, changes: 0, wrong: 0, rejected: 0, loads: 0 }
  private readonly truths = Array.from({ length: KEYS }, () => [{ value: 0, untilMs: Infinity }])
  private running = true
  private readonly workers: Promise<void>[]

  constructor(private readonly pair: Pair) {
    const { one, two } = pair
    this.workers = [this.read(one), this.read(two), this.readMany(one), this.readMany(two), this.change()]
  }

  /** Waits until much more has been read, changed and loaded. */
  async more(): Promise<void> {
    const { reads, changes, loads } = { ...this.counts }
    const least = () => Math.min(this.counts.reads - reads, this.counts.changes - changes, this.counts.loads - loads)
    await expect.poll(least, { timeout: 30_000, interval: 10 }).toBeGreaterThan(20)
  }

  async end() {
    this.running = false
    await Promise.all(this.workers)
    return this.counts
  }

  private async read({ cache }: CacheInstance): Promise<void> {
    for (let n = 0; this.running; n += 1) {
      const key = n % KEYS
      const askedMs = performance.now()
      const load = () => {
        this.counts.loads += 1
        return Promise.resolve(this.now(key))
      }
      const options = { ttl: 60, tags: [`truth-${key}`], circuit: n % 7 !== 0 }
      await this.judged(() =>
        cache.getOrSet(`truth:${key}`, load, options).then((value) => this.judge(key, value, askedMs)),
      )
    }
  }

  private async readMany({ cache }: CacheInstance): Promise<void> {
    while (this.running) {
      const askedMs = performance.now()
      await this.judged(async () => {
        const values = await cache.mget<number>(this.truths.map((_truth, key) => `truth:${key}`))
        values.forEach((value, key) => value !== undefined && this.judge(key, value, askedMs))
      })
    }
  }

  /** An event is stored with every change, as a transaction would; and now and then the key itself is dropped. */
  private async change(): Promise<void> {
    for (let n = 0; this.running; n += 1) {
      const key = (n * 7) % KEYS
      const history = this.truths[key]!
      history.at(-1)!.untilMs = performance.now()
      history.push({ value: n + 1, untilMs: Infinity })
      this.counts.changes += 1
      const fileId = `truth-${key}`
      await this.judged(() =>
        this.pair.rig.store({ type: 'file.removed', subjectType: 'file', subjectId: fileId, payload: { fileId } }),
      )
      if (n % 5 === 0) await this.judged(() => this.pair.two.cache.invalidatePattern(`truth:${key}*`))
      await sleep(10)
    }
  }

  private async judged(call: () => Promise<void>): Promise<void> {
    try {
      await call()
    } catch {
      this.counts.rejected += 1
    }
    this.counts.reads += 1
    await new Promise(setImmediate)
  }

  private judge(key: number, value: number, askedMs: number): void {
    const truth = this.truths[key]!.find((one) => one.value === value)
    if (truth === undefined || truth.untilMs + GRACE_MS < askedMs) this.counts.wrong += 1
  }

  private now(key: number): number {
    return this.truths[key]!.at(-1)!.value
  }
}

describe('while both are read and changed', () => {
  it.each<[string, (pair: Pair) => Promise<void>]>([
    [
      'is wiped',
      async ({ behind }) => {
        await behind.flushall()
      },
    ],
    ['is restarted empty', (pair) => pair.restart()],
    [
      'is cut off and comes back',
      async ({ proxy }) => {
        proxy.cut()
        await sleep(300)
        proxy.cut()
      },
    ],
    [
      'is away for a while',
      async (pair) => {
        await pair.stop()
        await sleep(2_500)
        await pair.restart()
      },
    ],
    [
      'is a black hole for a while',
      async ({ proxy }) => {
        proxy.hold()
        await sleep(2_500)
        proxy.release()
      },
    ],
    [
      'holds garbage in place of values',
      async ({ behind }) => {
        for (let key = 0; key < KEYS; key += 1) {
          const name = `faults:v:truth:${key}`
          const whole = await behind.getBuffer(name)
          const half = whole?.subarray(0, whole.length >> 1) ?? Buffer.alloc(0)
          const kinds = [Buffer.from('{"value":-1}'), half, Buffer.alloc(64, 0xff), Buffer.alloc(0)]
          await behind.set(name, kinds[key % kinds.length]!)
        }
        await behind.del('faults:v:truth:0')
        await behind.lpush('faults:v:truth:0', 'a list')
      },
    ],
    [
      'loses generations and keeps values',
      async ({ behind }) => {
        const names = await behind.keys('faults:g:*')
        await behind.unlink(...names)
      },
    ],
  ])(
    'and Redis %s, no answer is wrong and nothing rejects',
    async (_what, strike) => {
      await using pair = await open()
      const work = new Workload(pair)
      await sleep(300)
      await strike(pair)
      await sleep(300)
      const counts = await work.end()
      expect(counts).toMatchObject({ wrong: 0, rejected: 0 })
      expect(Math.min(counts.reads, counts.changes, counts.loads)).toBeGreaterThan(10)
      await inStep(pair.one, pair.two)
      await pair.one.cache.set('after', 'again', { ttl: 60 })
      await expect.poll(() => pair.two.cache.get('after')).toBe('again')
    },
    60_000,
  )

  it('and Redis is full, no answer is wrong and nothing rejects', async () => {
    await using pair = await open()
    const { one, two, behind } = pair
    const work = new Workload(pair)
    await work.more()
    await behind.config('SET', 'maxmemory', '1')
    await expect(behind.set('filler', 'x')).rejects.toThrow('OOM')
    await work.more()
    expect(await work.end()).toMatchObject({ wrong: 0, rejected: 0 })
    await expect
      .poll(() => [one.cache.stats().redis, two.cache.stats().redis])
      .toMatchObject([
        { breaker: 'closed', inStep: true },
        { breaker: 'closed', inStep: true },
      ])
    await one.cache.set('new', 'no room', { ttl: 60 })
    expect(await one.cache.get('new')).toBe('no room')
    expect(await two.cache.get('new')).toBeUndefined()
    await behind.config('SET', 'maxmemory', '0')
    await one.cache.set('new', 'room', { ttl: 60 })
    await expect.poll(() => two.cache.get('new')).toBe('room')
  }, 120_000)
})

describe('the circuit breaker', () => {
  it.each<[string, (pair: Pair) => Promise<void> | void, (pair: Pair) => Promise<void> | void]>([
    ['refuses', (pair) => pair.stop(), (pair) => pair.restart()],
    ['answers nothing', ({ proxy }) => proxy.hold(), ({ proxy }) => proxy.release()],
    ['answers half a second late', ({ proxy }) => proxy.slow(500), ({ proxy }) => proxy.slow(0)],
  ])(
    'opens by itself when Redis %s, keeps calls away, and closes when Redis is back',
    async (_what, strike, heal) => {
      await using pair = await open(REDIS_TIMINGS)
      const { cache, calls } = pair.one
      await strike(pair)
      await expect.poll(() => cache.stats().redis?.breaker, { interval: 5 }).not.toBe('closed')
      const readsBefore = calls['read'] ?? 0
      for (let n = 0; n < 50; n += 1) {
        expect(await cache.getOrSet(`k:${n}`, () => Promise.resolve(n), { ttl: 60 })).toBe(n)
        expect(await cache.get(`k:${n}`)).toBe(n)
      }
      expect((calls['read'] ?? 0) - readsBefore).toBe(0)
      await heal(pair)
      await inStep(pair.one, pair.two)
      await cache.set('after', 'again', { ttl: 60 })
      await expect.poll(() => pair.two.cache.get('after')).toBe('again')
    },
    60_000,
  )

  it('lets a call pass that opts out', async () => {
    await using pair = await open({ commandMs: 5_000, slowMs: 500, beatMs: 1_000 })
    const { one, two, proxy } = pair
    await two.cache.set('a', 1, { ttl: 60 })
    proxy.slow(700)
    await Promise.all(['x', 'y', 'z'].map((key) => one.cache.get(key)))
    expect(one.cache.stats().redis).toMatchObject({ breaker: 'open', inStep: true })
    expect(await one.cache.get('a')).toBeUndefined()
    expect(await one.cache.get('a', { circuit: false })).toBe(1)
  }, 120_000)

  it('what was changed while Redis was away is not found in it afterwards', async () => {
    await using pair = await open()
    const { one, two, proxy } = pair
    const tags = ['t']
    await one.cache.set('tagged', 'old', { ttl: 60, tags })
    await one.cache.set('plain', 'old', { ttl: 60 })
    await one.cache.set('user:1', 'old', { ttl: 60 })
    proxy.hold()
    await Promise.all([
      one.cache.invalidateTags(tags),
      one.cache.set('plain', 'new', { ttl: 60 }),
      one.cache.invalidatePattern('user:*'),
    ])
    expect(await one.cache.get('plain')).toBe('new')
    proxy.release()
    await inStep(one, two)
    for (const { cache } of [one, two]) {
      expect(await cache.mget(['tagged', 'user:1'])).toEqual([undefined, undefined])
      expect(await cache.get('plain')).not.toBe('old')
    }
  }, 120_000)
})

describe('at the start', () => {
  it('a Redis that is not there is a warning, and memory serves alone until it comes', async () => {
    const server = await startRedisServer()
    await server.stop()
    await using rig = new CacheRig({ settings: { redis: { url: server.url, prefix: 'faults' } } })
    const { cache, log } = rig.start()
    expect(await cache.getOrSet('a', () => Promise.resolve(1), { ttl: 60 })).toBe(1)
    expect(await cache.get('a')).toBe(1)
    await expect
      .poll(() => log.lines.map(({ level, message }) => `${level}: ${message}`))
      .toContain('warn: Redis cannot be reached')
    await using _late = await startRedisServer({ port: server.port })
    await expect.poll(() => cache.stats().redis, RECOVERED).toMatchObject({ inStep: true })
  }, 120_000)

  it('a password in the address is in no line of the log', async () => {
    await using server = await startRedisServer({ password: 'another one' })
    await using rig = new CacheRig({
      settings: { redis: { url: `redis://:hunter2@${server.host}:${server.port}`, prefix: 'faults' } },
    })
    const { cache, log } = rig.start()
    await expect.poll(() => log.lines.length).toBeGreaterThan(0)
    expect(cache.stats().redis).toMatchObject({ inStep: false })
    const told = log.lines.map(({ fields, message }) => `${message} ${String((fields as { err?: Error }).err?.stack)}`)
    expect(told.join()).not.toContain('hunter2')
  })
})
