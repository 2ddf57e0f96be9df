import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'

import { TcpProxy } from '../../faults/farm/tcp-proxy.js'
import { startRedisServer } from '../../processes/redis-server.js'
import type { RedisTimings } from '../cache/redis-link.js'
import { Lifecycle, systemClock } from '../kernel/index.js'
import type { LoginLimiter } from '../modules/auth/login-limiter.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { openTestRedis } from '../testing/redis.js'
import { openLoginLimiter } from './login-limiter.js'

/** What a busy machine makes late is no fault of Redis. */
const PATIENT: RedisTimings = { commandMs: 5_000, slowMs: 5_000, beatMs: 200 }

const ADA = 'ada@example.org'

const outcome = (limiter: LoginLimiter, email: string, address: string): Promise<'passed' | number> =>
  limiter.begin(email, address).then(
    () => 'passed' as const,
    (error: unknown) => {
      expect(error).toMatchObject({ code: 'RATE_LIMITED' })
      return (error as { retryAfterSeconds: number }).retryAfterSeconds
    },
  )

/** Instances of a server on one Redis. */
const open = (redis: { url: string; prefix: string }, timings = PATIENT) => {
  const log = recordingLogger()
  const lifecycle = new Lifecycle(log)
  const start = () => openLoginLimiter({ config: { cache: { redis } }, clock: systemClock, log, lifecycle, timings })
  return { one: start(), two: start(), log, [Symbol.asyncDispose]: () => lifecycle.stop() }
}

/** Until each counts in Redis: it does alone, and by other limits, as long as it is not connected. Nothing is left of it. */
const shared = async (client: Redis, prefix: string, ...limiters: LoginLimiter[]) => {
  const isCounted = async (limiter: LoginLimiter) => {
    await limiter.begin('nobody@example.org', null)
    const keys = await client.keys(`${prefix}:count:*`)
    await limiter.succeeded('nobody@example.org', null)
    return keys.length > 0
  }
  for (const limiter of limiters) {
    await expect.poll(() => isCounted(limiter), { interval: 20, timeout: 15_000 }).toBe(true)
  }
  expect(await client.keys(`${prefix}:count:*`)).toEqual([])
}

describe('failed logins at instances with a Redis', () => {
  it('are counted together, however many come at once', async () => {
    await using redis = openTestRedis()
    await using farm = open(redis)
    const { one, two } = farm
    await shared(redis.client, redis.prefix, one, two)
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, n) => outcome(n % 2 === 0 ? one : two, ADA, '192.0.2.1')),
    )
    expect(outcomes.filter((each) => each === 'passed')).toHaveLength(10)
    for (const each of outcomes.filter((each) => each !== 'passed')) {
      expect(each).toBeGreaterThan(800)
      expect(each).toBeLessThanOrEqual(900)
    }
    const many = await Promise.all(
      Array.from({ length: 60 }, (_, n) => outcome(n % 2 === 0 ? one : two, `user-${n}@example.org`, '192.0.2.1')),
    )
    expect(many.filter((each) => each === 'passed')).toHaveLength(40)
  })

  it('are taken back at both by the right password at one', async () => {
    await using redis = openTestRedis()
    await using farm = open(redis)
    const { one, two } = farm
    await shared(redis.client, redis.prefix, one, two)
    for (let n = 0; n < 10; n += 1) await one.begin(ADA, '2001:db8::1')
    expect(await outcome(two, ADA, '2001:db8::2')).not.toBe('passed')
    await two.succeeded(ADA, '2001:db8::1')
    expect(await outcome(one, ADA, '2001:db8::3')).toBe('passed')
  })

  it('leave nothing in Redis for ever, and no address of anybody', async () => {
    await using redis = openTestRedis()
    await using farm = open(redis)
    await shared(redis.client, redis.prefix, farm.one)
    await farm.one.begin(ADA, '192.0.2.1')
    const keys = await redis.client.keys(`${redis.prefix}:*`)
    expect(keys).toHaveLength(3)
    for (const key of keys) {
      expect(key).toMatch(/:count:[\w-]{43}$/)
      expect(await redis.client.pttl(key)).toBeGreaterThan(800_000)
    }
  })
})

describe('with a Redis that fails', () => {
  it('each instance limits by itself and more strictly, and all together again when it is back', async () => {
    let server = await startRedisServer()
    const { port } = server
    await using farm = open({ url: server.url, prefix: 'away' }, { ...PATIENT, commandMs: 1_000 })
    const { one, two } = farm
    const client = new Redis(port)
    client.on('error', () => undefined)
    await shared(client, 'away', one, two)
    for (let n = 0; n < 4; n += 1) expect(await outcome(one, ADA, '192.0.2.1')).toBe('passed')
    await server.stop()
    // The four that it saw itself, and one more.
    expect(await outcome(one, ADA, '192.0.2.1')).toBe('passed')
    expect(await outcome(one, ADA, '192.0.2.1')).not.toBe('passed')
    const alone = []
    for (let n = 0; n < 7; n += 1) alone.push(await outcome(two, ADA, '192.0.2.1'))
    expect(alone.filter((each) => each === 'passed')).toHaveLength(5)
    server = await startRedisServer({ port })
    try {
      // An emptied Redis knows of no failures; from here on all count in it.
      await expect.poll(() => outcome(one, ADA, '192.0.2.1'), { interval: 50, timeout: 30_000 }).toBe('passed')
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
    await using farm = open({ url, prefix: 'held' }, { ...PATIENT, commandMs: 300 })
    try {
      await shared(client, 'held', farm.one)
      proxy.hold()
      const outcomes = []
      for (let n = 0; n < 6; n += 1) outcomes.push(await outcome(farm.one, ADA, '192.0.2.1'))
      expect(outcomes.map((each) => each === 'passed')).toEqual([true, true, true, true, true, false])
    } finally {
      client.disconnect()
      await proxy.stop()
    }
  })

  it('one that takes no writes is as good as none', async () => {
    await using server = await startRedisServer()
    const client = new Redis(server.port)
    await using farm = open({ url: server.url, prefix: 'full' })
    try {
      await shared(client, 'full', farm.one)
      await client.replicaof('127.0.0.1', 1)
      const outcomes = []
      for (let n = 0; n < 6; n += 1) outcomes.push(await outcome(farm.one, ADA, '192.0.2.1'))
      expect(outcomes.map((each) => each === 'passed')).toEqual([true, true, true, true, true, false])
    } finally {
      client.disconnect()
    }
  })
})
