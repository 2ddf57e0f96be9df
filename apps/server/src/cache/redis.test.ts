import { randomBytes } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { CacheRig, type CacheInstance } from '../testing/cache-rig.js'
import { openTestRedis } from '../testing/redis.js'

/** Two instances on one Redis, in step with it. */
const open = async () => {
  const redis = openTestRedis()
  const { url, prefix, client } = redis
  const rig = new CacheRig({ settings: { redis: { url, prefix } } })
  const [one, two] = [rig.start(), rig.start()]
  await Promise.all([inStep(one), inStep(two)])
  const close = async () => {
    await rig[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  }
  return { rig, one, two, client, prefix, settings: { redis: { url, prefix } }, [Symbol.asyncDispose]: close }
}

const inStep = (instance: CacheInstance) =>
  expect.poll(() => instance.cache.stats().redis, { interval: 10 }).toMatchObject({ connected: true, inStep: true })

const LIST = Array.from({ length: 40 }, (_, n) => ({ id: `prn_${n}`, name: `Printer ${n}`, state: 'idle' }))
const noLoad = () => Promise.reject(new Error('loaded though Redis has it'))

describe('through Redis', () => {
  it.each([
    ['JSON', LIST],
    ['null', null],
    ['a text', 'grüße'.repeat(500)],
    ['bytes', randomBytes(5_000)],
    ['no bytes', Buffer.alloc(0)],
  ])('another instance finds what one has: %s', async (_what, value) => {
    await using pair = await open()
    await pair.one.cache.set('list', value, { ttl: 60, tags: ['printer'] })
    expect(await pair.two.cache.get('list')).toEqual(value)
    // The word that it is new may come after it was read.
    await expect
      .poll(async () => [await pair.two.cache.get('list'), pair.two.cache.peek('list')?.value])
      .toEqual([value, value])
  })

  it('another instance does not load what one has loaded', async () => {
    await using pair = await open()
    const { one, two } = pair
    await one.cache.getOrSet('list', () => Promise.resolve(LIST), { ttl: 60, tags: ['printer'] })
    await expect.poll(() => one.calls['write'], { interval: 5 }).toBe(1)
    expect(await two.cache.getOrSet('list', noLoad, { ttl: 60, tags: ['printer'] })).toEqual(LIST)
    expect(two.cache.stats().groups).toMatchObject([{ redis: { hits: 1, misses: 0 }, loads: 0 }])
  })

  it('an invalidated tag is gone on both, in memory and in Redis', async () => {
    await using pair = await open()
    const { one, two } = pair
    await one.cache.set('list', LIST, { ttl: 60, tags: ['printer'] })
    // What is just being told of the new value may keep the first look from being kept.
    const looked = async () => (await two.cache.get('list')) !== undefined && two.cache.peek('list') !== undefined
    await expect.poll(looked, { interval: 5 }).toBe(true)
    one.record({
      ...{ type: 'printer.updated', subjectType: 'printer', subjectId: 'prn_1' },
      payload: { printerId: 'prn_1' },
    })
    // The event has reached nobody else yet: only Redis can be the reason.
    await expect.poll(() => two.cache.peek('list'), { interval: 5 }).toBeUndefined()
    expect(await two.cache.get('list')).toBeUndefined()
    expect(await one.cache.get('list')).toBeUndefined()
  })

  it.each<[string, (instance: CacheInstance) => Promise<void>]>([
    ['set anew', ({ cache }) => cache.set('user:1', 'new', { ttl: 60 })],
    ['deleted', ({ cache }) => cache.del('user:1')],
    ['matched by a pattern', ({ cache }) => cache.invalidatePattern('user:*')],
  ])('a value that one has %s, the other lets go of', async (_what, change) => {
    await using pair = await open()
    const { one, two } = pair
    await one.cache.set('user:1', 'old', { ttl: 60 })
    await one.cache.set('users', 'all', { ttl: 60 })
    expect(await two.cache.mget(['user:1', 'users'])).toEqual(['old', 'all'])
    await change(one)
    await expect.poll(() => two.cache.peek('user:1'), { interval: 5 }).toBeUndefined()
    expect(await two.cache.get('user:1')).not.toBe('old')
    expect(await two.cache.get('users')).toBe('all')
  })

  it('a pattern takes all of many keys, whatever else their names hold', async () => {
    await using pair = await open()
    const { one, two, client, prefix } = pair
    const many = Array.from({ length: 1_000 }, (_, n) => [`user:[${n}]?`, n] as const)
    await one.cache.mset(many, { ttl: 60 })
    await one.cache.mset([['user:x', 1]], { ttl: 60 })
    await one.cache.invalidatePattern('user:[*]?')
    expect(await two.cache.mget(many.map(([key]) => key))).toEqual(many.map(() => undefined))
    expect(await two.cache.get('user:x')).toBe(1)
    expect(await client.exists(`${prefix}:v:user:[1]?`)).toBe(0)
  })

  it('a load that began before an invalidation of its tags, heard of or not, counts for nothing', async () => {
    await using pair = await open()
    const { one, two, client, prefix } = pair
    await one.cache.getOrSet('list', () => Promise.resolve('first'), { ttl: 60, tags: ['printer'] })
    let land = (_value: string): void => undefined
    const early = one.cache.getOrSet('other', () => new Promise<string>((resolve) => (land = resolve)), {
      ttl: 60,
      tags: ['printer'],
    })
    await expect.poll(() => one.cache.stats().groups.find(({ group }) => group === 'other')?.loads).toBe(1)
    // Behind everybody's back, as by an instance of which nothing is heard yet.
    await client.unlink(`${prefix}:g:printer`)
    land('old')
    expect(await early).toBe('old')
    await expect.poll(() => one.calls['write']).toBe(2)
    expect(await client.exists(`${prefix}:v:other`)).toBe(1)
    expect(await two.cache.mget(['other', 'list'])).toEqual([undefined, undefined])
  })

  it('many are read and written in one round trip', async () => {
    await using pair = await open()
    const { one, two } = pair
    const entries = Array.from({ length: 100 }, (_, n) => [`k:${n}`, { n }] as const)
    const before = { ...one.calls }
    await one.cache.mset(entries, { ttl: 60 })
    expect((one.calls['write'] ?? 0) - (before['write'] ?? 0)).toBe(1)
    const values = await two.cache.mget<{ n: number }>(entries.map(([key]) => key))
    expect(values).toEqual(entries.map(([, value]) => value))
    expect(two.calls['read']).toBe(1)
  })

  it('what is fresh for no longer than the caller needs is loaded though Redis has it', async () => {
    await using pair = await open()
    const { one, two } = pair
    await one.cache.getOrSet('list', () => Promise.resolve(1), { ttl: 60 })
    await expect.poll(() => one.calls['write'], { interval: 5 }).toBe(1)
    expect(await two.cache.getOrSet('list', () => Promise.resolve(2), { ttl: 60, minFresh: 60 })).toBe(2)
    expect(await two.cache.getOrSet('list', noLoad, { ttl: 60, minFresh: 30 })).toBe(2)
  })

  it('of many, those that are no values of ours are missed alone', async () => {
    await using pair = await open()
    const { one, two, client, prefix } = pair
    const entries = ['a', 'b', 'c', 'd'].map((key) => [key, 'x'.repeat(3_000)] as const)
    await one.cache.mset(entries, { ttl: 60 })
    await client.del(`${prefix}:v:a`)
    await client.lpush(`${prefix}:v:a`, 'a list')
    await client.set(`${prefix}:v:b`, 'garbage')
    await client.del(`${prefix}:v:c`)
    const wanted = ['a', 'b', 'c', 'd', 'none']
    expect((await two.cache.mget(wanted)).map((value) => value !== undefined)).toEqual([
      false,
      false,
      false,
      true,
      false,
    ])
    expect(two.log.lines.map(({ message }) => message)).toEqual([expect.stringContaining('could not be read')])
  })

  it('large values are compressed, small ones and those that do not shrink are not', async () => {
    await using pair = await open()
    const { one, client, prefix } = pair
    const text = 'printer '.repeat(2_000)
    const saved = () => one.cache.stats().groups.find(({ group }) => group === 'large')?.savedBytes
    // What is set while it is heard that something may have been missed does not get to Redis.
    const set = () => one.cache.set('large', text, { ttl: 60 }).then(saved)
    await expect.poll(set, { interval: 5 }).toBeGreaterThan(15_000)
    const kept = { small: 'x'.repeat(1_000), random: randomBytes(4_000), forced: 'x'.repeat(100) }
    for (const [key, value] of Object.entries(kept))
      await one.cache.set(key, value, { ttl: 60, ...(key === 'forced' && { compress: true }) })
    await one.cache.set('plain', text, { ttl: 60, compress: false })
    const size = (key: string) => client.strlen(`${prefix}:v:${key}`)
    expect(await size('large')).toBeGreaterThan(0)
    expect(await size('large')).toBeLessThan(1_000)
    expect(await size('small')).toBeGreaterThan(1_000)
    expect(await size('random')).toBeGreaterThan(4_000)
    expect(await size('forced')).toBeLessThan(100)
    expect(await size('plain')).toBeGreaterThan(16_000)
  })

  it('a stale value is used once more with swr and loaded anew behind it', async () => {
    await using pair = await open()
    const { one, two } = pair
    await one.cache.set('a', 'old', { ttl: 0.05, staleTtl: 60 })
    await new Promise((resolve) => setTimeout(resolve, 80))
    const options = { ttl: 60, strategy: 'swr' } as const
    expect(await two.cache.getOrSet('a', () => Promise.resolve('new'), options)).toBe('old')
    await expect.poll(() => two.cache.get('a')).toBe('new')
    expect(two.cache.stats().groups).toMatchObject([{ redis: { staleHits: 1 }, loads: 1 }])
  })

  it('one that comes believes Redis only after another has shown that it kept it in step', async () => {
    await using pair = await open()
    const { rig, one, settings } = pair
    await one.cache.set('list', LIST, { ttl: 60 })
    const third = rig.start({ settings })
    expect(await third.cache.get('list')).toBeUndefined()
    await inStep(third)
    expect(await third.cache.get('list')).toEqual(LIST)
  })

  it('one that comes alone begins anew, since nobody knows what was missed', async () => {
    await using pair = await open()
    const { rig, one, two, settings } = pair
    await one.cache.set('list', LIST, { ttl: 60, tags: ['printer'] })
    await Promise.all([one.stop(), two.stop()])
    const alone = rig.start({ settings })
    await inStep(alone)
    expect(await alone.cache.get('list')).toBeUndefined()
  })

  it('an event is carried out in Redis by whoever hears of it, and once in each memory', async () => {
    await using pair = await open()
    const { rig, one, two } = pair
    await one.cache.set('list', LIST, { ttl: 60, tags: ['printer'] })
    two.deafen()
    const [erasedByOne = 0, erasedByTwo] = [one.calls['erase'], two.calls['erase']]
    await expect.poll(async () => [await two.cache.get('list'), two.cache.peek('list')?.value]).toEqual([LIST, LIST])
    await rig.store({
      type: 'printer.updated',
      subjectType: 'printer',
      subjectId: 'prn_1',
      payload: { printerId: 'prn_1' },
    })
    await expect.poll(() => two.cache.peek('list'), { interval: 5 }).toBeUndefined()
    await two.cache.set('list', 'new', { ttl: 60, tags: ['printer'] })
    two.heal()
    expect(two.cache.peek('list')?.value).toBe('new')
    expect([one.calls['erase'], two.calls['erase']]).toEqual([erasedByOne + 1, erasedByTwo])
  })

  it('right after an event nothing old is read out of Redis, nor learned of it', async () => {
    await using pair = await open()
    const { rig, one, two } = pair
    await two.stop()
    for (let n = 0; n < 50; n += 1) {
      await one.cache.set('list', n, { ttl: 60, tags: ['printer'] })
      const printerId = `prn_${n}`
      const stored = rig.store({
        type: 'printer.updated',
        subjectType: 'printer',
        subjectId: printerId,
        payload: { printerId },
      })
      expect(await one.cache.get('list')).toBeUndefined()
      await stored
      expect(await one.cache.mget(['list'])).toEqual([undefined])
    }
  })
})
