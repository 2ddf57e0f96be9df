import { expect, it } from 'vitest'

import { RareLog, systemClock } from '../kernel/index.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { openTestRedis, type TestRedis } from '../testing/redis.js'
import { RedisCalls } from './redis-link.js'
import { RedisPlaces } from './redis-places.js'

const TERMS = { limit: 2, heldMs: 60_000 }
const BRIEFLY = { limit: 2, heldMs: 300 }

const open = async ({ url, prefix }: TestRedis) => {
  const timings = { commandMs: 5_000, slowMs: 5_000, beatMs: 200 }
  const log = new RareLog(recordingLogger(), systemClock)
  const calls = new RedisCalls({ url, clock: systemClock, timings, log, observe: () => undefined })
  calls.start()
  await expect.poll(() => calls.connected, { timeout: 10_000, interval: 10 }).toBe(true)
  const places = new RedisPlaces({ calls, prefix })
  return {
    places,
    take: (holder: string, terms = TERMS) => places.take('ada', holder, terms),
    [Symbol.dispose]: () => calls.stop(),
  }
}

it('places are as many as there are, for each key, and who gives one back makes room', async () => {
  await using redis = openTestRedis()
  using one = await open(redis)
  using two = await open(redis)
  expect([await one.take('a'), await two.take('b'), await one.take('c')]).toEqual([true, true, false])
  expect(await one.places.take('eve', 'c', TERMS)).toBe(true)
  // Who holds one is let in again.
  expect(await two.take('a')).toBe(true)
  await one.places.giveBack('ada', 'a')
  expect([await two.take('c'), await two.take('d')]).toEqual([true, false])
})

it('places of a process that died are free after a while, and those that are renewed are not', async () => {
  await using redis = openTestRedis()
  using living = await open(redis)
  using dead = await open(redis)
  expect([await dead.take('dead', BRIEFLY), await living.take('living')]).toEqual([true, true])
  expect(await living.take('new')).toBe(false)
  await expect.poll(() => living.take('new'), { timeout: 5_000, interval: 20 }).toBe(true)
  expect(await living.take('one more')).toBe(false)
})

it('places that Redis has forgotten are taken anew by those who hold them', async () => {
  await using redis = openTestRedis()
  using one = await open(redis)
  expect([await one.take('a'), await one.take('b')]).toEqual([true, true])
  await redis.client.unlink(...(await redis.client.keys(`${redis.prefix}:places:*`)))
  await one.places.renew('ada', 'a', TERMS)
  await one.places.renew('ada', 'b', TERMS)
  expect(await one.take('c')).toBe(false)
})

it('nobody can tell without Redis', async () => {
  await using redis = openTestRedis()
  const gone = await open(redis)
  gone[Symbol.dispose]()
  expect(await gone.take('a')).toBeNull()
})
