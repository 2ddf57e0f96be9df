import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'

import { TcpProxy } from '../../faults/farm/tcp-proxy.js'
import { startRedisServer } from '../../processes/redis-server.js'
import type { RedisTimings } from '../cache/redis-link.js'
import type { RateLimiter } from '../http/limits/rate-limiter.port.js'
import { Lifecycle, systemClock } from '../kernel/index.js'
import { ProbeAuthenticator, startProbeServer } from '../testing/http-test-server.js'
import { openLiveEvents } from '../testing/live-events.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { openTestRedis } from '../testing/redis.js'
import { openHttpLimits } from './http-limits.js'

/** What a busy machine makes late is no fault of Redis. */
const PATIENT: RedisTimings = { commandMs: 5_000, slowMs: 5_000, beatMs: 200 }
const LIMIT = 200
const PORTION = 10

const soon = (act: () => Promise<unknown>) => expect.poll(act, { interval: 20, timeout: 15_000 })

/** The limits of so many processes on one Redis. */
const open = (redis: { url: string; prefix: string }, count: number, timings = PATIENT) => {
  const log = recordingLogger()
  const lifecycle = new Lifecycle(log)
  const config = { cache: { redis }, http: { rateLimitPerMinute: LIMIT } }
  const authenticator = new ProbeAuthenticator()
  const limits = Array.from({ length: count }, () =>
    openHttpLimits({ config, authenticator, clock: systemClock, log, lifecycle, timings }),
  )
  const limiters = limits.map(({ rateLimiter }) => rateLimiter)
  return { limits, limiters, authenticator, [Symbol.asyncDispose]: () => lifecycle.stop() }
}

/** A server for each. */
const serve = async ({ limits, authenticator }: ReturnType<typeof open>) => {
  const servers = await Promise.all(
    limits.map((each) => startProbeServer({ ...each, authenticator, http: { trustedProxies: ['loopback'] } })),
  )
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()))
  }
  return { servers, [Symbol.asyncDispose]: stop }
}

/** Until each counts in Redis, and so that no minute turns while the test counts. */
const ready = async (client: Redis, prefix: string, limiters: RateLimiter[]) => {
  for (const [n, limiter] of limiters.entries()) {
    await soon(async () => {
      await limiter.take(`nobody ${n}`, 1)
      return (await client.keys(`${prefix}:calls:*`)).length
    }).toBe(n + 1)
  }
  const leftMs = 60_000 - (Date.now() % 60_000)
  if (leftMs < 15_000) await new Promise((resolve) => setTimeout(resolve, leftMs))
}

const passed = async (limiters: RateLimiter[], calls: number, cost = 1): Promise<number> => {
  const turns = Array.from({ length: calls }, (_, n) =>
    Promise.resolve(limiters[n % limiters.length]!.take('ada', cost)),
  )
  const verdicts = await Promise.all(turns)
  return verdicts.filter(({ allowed }) => allowed).length * cost
}

describe('calls at instances with a Redis', { timeout: 60_000 }, () => {
  it('are counted together: all let pass the limit, and a portion each at most', async () => {
    await using redis = openTestRedis()
    await using farm = open(redis, 4)
    await ready(redis.client, redis.prefix, farm.limiters)
    const atOnce = await passed(farm.limiters, 3 * LIMIT)
    expect(atOnce).toBeGreaterThanOrEqual(LIMIT)
    expect(atOnce).toBeLessThanOrEqual(LIMIT + 4 * PORTION)
    // Nobody lets pass more when it was told what the others did.
    for (const limiter of farm.limiters) expect((await limiter.take('ada', 1)).allowed).toBe(false)
  })

  it('are counted together over HTTP, and every server says so', async () => {
    await using redis = openTestRedis()
    await using farm = open(redis, 3)
    await using served = await serve(farm)
    await ready(redis.client, redis.prefix, farm.limiters)
    const { servers } = served
    const call = ({ url }: { url: string }, address: string) =>
      fetch(`${url}/api/ping`, { headers: { 'X-Forwarded-For': address } })
    const calls = Array.from({ length: 2 * LIMIT }, (_, n) => call(servers[n % servers.length]!, '198.51.100.1'))
    const answers = await Promise.all(calls)
    const good = answers.filter(({ status }) => status === 200).length
    expect(good).toBeGreaterThanOrEqual(LIMIT)
    expect(good).toBeLessThanOrEqual(LIMIT + 3 * PORTION)
    for (const server of servers) {
      const { status, headers } = await call(server, '198.51.100.1')
      expect([status, headers.get('ratelimit-limit'), headers.get('ratelimit-remaining')]).toEqual([429, '200', '0'])
      expect(headers.get('retry-after')).toBe(headers.get('ratelimit-reset'))
    }
    expect((await call(servers[0]!, '198.51.100.2')).status).toBe(200)
  })

  it('are counted together also one after the other, and in batches that are greater than a portion', async () => {
    await using redis = openTestRedis()
    await using farm = open(redis, 3)
    await ready(redis.client, redis.prefix, farm.limiters)
    let sum = 0
    for (let n = 0; n < 20; n += 1) sum += await passed(farm.limiters.slice(n % 3), 1, 20)
    expect(sum).toBeGreaterThanOrEqual(LIMIT)
    expect(sum).toBeLessThanOrEqual(LIMIT + 3 * 20)
  })

  it('mostly wait for nobody', async () => {
    await using redis = openTestRedis()
    await using farm = open(redis, 1)
    await ready(redis.client, redis.prefix, farm.limiters)
    const waited = []
    for (let n = 0; n < LIMIT; n += 1) {
      const verdict = farm.limiters[0]!.take('ada', 1)
      waited.push(verdict instanceof Promise)
      await verdict
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    expect(waited.filter(Boolean).length).toBeLessThan(LIMIT / 4)
  })

  it('stand in Redis for two minutes, and without addresses', async () => {
    await using redis = openTestRedis()
    await using farm = open(redis, 1)
    await ready(redis.client, redis.prefix, farm.limiters)
    const [key = ''] = await redis.client.keys(`${redis.prefix}:*`)
    expect(key).toMatch(/:calls:[\w-]{43}$/)
    const ttl = await redis.client.pttl(key)
    expect(ttl).toBeGreaterThan(90_000)
    expect(ttl).toBeLessThanOrEqual(120_000)
  })
})

describe('live streams at instances with a Redis', { timeout: 60_000 }, () => {
  it('are at most twenty of one person at all servers together, and what is closed at one is free at another', async () => {
    await using redis = openTestRedis()
    await using farm = open(redis, 2)
    await using served = await serve(farm)
    await ready(redis.client, redis.prefix, farm.limiters)
    const taken = async () => {
      const [key] = await redis.client.keys(`${redis.prefix}:places:*`)
      return key === undefined ? 0 : redis.client.zcard(key)
    }
    const input = encodeURIComponent(JSON.stringify({ json: { until: 1 } }))
    const opened = (n: number, role = 'viewer') =>
      openLiveEvents(`${served.servers[n % 2]!.url}/trpc/ticks?input=${input}`, {
        ...{ Accept: 'text/event-stream', Authorization: `Bearer ${role}` },
      })
    const streams = await Promise.all(Array.from({ length: 20 }, (_, n) => opened(n)))
    await soon(taken).toBe(20)
    for (const n of [0, 1]) expect(await (await opened(n)).ended()).toBe('RATE_LIMITED')
    await using other = await opened(0, 'admin')
    await other.until((seen) => seen.length > 0)
    await other[Symbol.asyncDispose]()
    await streams[0]![Symbol.asyncDispose]()
    await soon(taken).toBe(19)
    await using next = await opened(1)
    await next.until((seen) => seen.length > 0)
    expect(await (await opened(0)).ended()).toBe('RATE_LIMITED')
    for (const stream of streams) await stream[Symbol.asyncDispose]()
    await soon(taken).toBe(1)
  })

  it('are twenty at each server while Redis is away', async () => {
    await using farm = open({ url: 'redis://127.0.0.1:1', prefix: 'nowhere' }, 1)
    await using served = await serve(farm)
    const url = `${served.servers[0]!.url}/trpc/ticks?input=${encodeURIComponent('{"json":{"until":1}}')}`
    const headers = { Accept: 'text/event-stream', Authorization: 'Bearer viewer' }
    const streams = await Promise.all(Array.from({ length: 20 }, () => openLiveEvents(url, headers)))
    for (const stream of streams) await stream.until((seen) => seen.length > 0)
    expect(await (await openLiveEvents(url, headers)).ended()).toBe('RATE_LIMITED')
    for (const stream of streams) await stream[Symbol.asyncDispose]()
  })
})

describe('with a Redis that fails', { timeout: 60_000 }, () => {
  it('each instance lets pass the limit and no more, knows what passed before, and tells of it afterwards', async () => {
    let server = await startRedisServer()
    const { port } = server
    await using farm = open({ url: server.url, prefix: 'away' }, 2, { ...PATIENT, commandMs: 1_000 })
    const client = new Redis(port)
    client.on('error', () => undefined)
    try {
      await ready(client, 'away', farm.limiters)
      const [one, two] = farm.limiters
      expect(await passed([one!], LIMIT / 2)).toBe(LIMIT / 2)
      await server.stop()
      expect(await passed([one!], LIMIT)).toBe(LIMIT / 2)
      const alone = await passed([two!], 2 * LIMIT)
      expect(alone).toBeLessThanOrEqual(LIMIT)
      expect(alone).toBeGreaterThanOrEqual(LIMIT / 2)
      server = await startRedisServer({ port })
      // Whoever comes to an emptied Redis is not let pass again by those who know.
      expect((await one!.take('ada', 1)).allowed).toBe(false)
    } finally {
      client.disconnect()
      await server.stop()
    }
  })

  it('an answer that does not come holds nobody up for longer than its deadline', async () => {
    await using server = await startRedisServer()
    const proxy = new TcpProxy(() => server)
    const url = `redis://127.0.0.1:${await proxy.start()}`
    const client = new Redis(server.port)
    await using farm = open({ url, prefix: 'held' }, 1, { ...PATIENT, commandMs: 300 })
    try {
      await ready(client, 'held', farm.limiters)
      proxy.hold()
      const began = performance.now()
      expect(await passed(farm.limiters, LIMIT + 50)).toBe(LIMIT)
      expect(performance.now() - began).toBeLessThan(3_000)
    } finally {
      client.disconnect()
      await proxy.stop()
    }
  })
})
