import { describe, expect, it } from 'vitest'

import type { CacheLoadOptions } from '../kernel/index.js'
import { countingLoader, openMemoryCache, soon } from '../testing/cache-rig.js'

describe('with the strategy swr', () => {
  const options: CacheLoadOptions = { ttl: 10, staleTtl: 20, strategy: 'swr' }

  it('a value that is no longer fresh is used while it is loaded again, once', async () => {
    const { cache, clock } = openMemoryCache()
    const loader = countingLoader()
    await cache.getOrSet('a', loader.load, options)
    await clock.advance(10_000)
    loader.waits = true
    const stale = await Promise.all(Array.from({ length: 100 }, () => cache.getOrSet('a', loader.load, options)))
    expect(new Set(stale.map(({ n }) => n))).toEqual(new Set([1]))
    await soon()
    expect(loader.loads).toBe(2)
    loader.land()
    await soon()
    expect(await cache.getOrSet('a', loader.load, options)).toEqual({ n: 2 })
    expect(cache.stats().groups[0]?.memory).toMatchObject({ hits: 1, misses: 1, staleHits: 100 })
  })

  it('it is used no longer than its hard limit', async () => {
    const { cache, clock } = openMemoryCache()
    const loader = countingLoader()
    await cache.getOrSet('a', loader.load, options)
    await clock.advance(30_000)
    expect(await cache.getOrSet('a', loader.load, options)).toEqual({ n: 2 })
  })

  it('it stays when loading it again fails', async () => {
    const { cache, clock, instance } = openMemoryCache()
    await cache.getOrSet('a', () => Promise.resolve(1), options)
    await clock.advance(10_000)
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await cache.getOrSet('a', () => Promise.reject(new Error('away')), options)).toBe(1)
      await soon()
    }
    expect(cache.stats().groups).toMatchObject([{ loads: 4, loadFailures: 3 }])
    expect(instance.log.lines).toHaveLength(1)
  })

  it('it is not used after an invalidation', async () => {
    const { cache, clock } = openMemoryCache()
    const loader = countingLoader()
    await cache.getOrSet('a', loader.load, { ...options, tags: ['t'] })
    await clock.advance(10_000)
    await cache.invalidateTags(['t'])
    expect(await cache.getOrSet('a', loader.load, { ...options, tags: ['t'] })).toEqual({ n: 2 })
  })

  it('get answers with fresh values alone', async () => {
    const { cache, clock } = openMemoryCache()
    await cache.getOrSet('a', () => Promise.resolve(1), options)
    await clock.advance(10_000)
    expect(await cache.get('a')).toBeUndefined()
    expect(await cache.mget(['a'])).toEqual([undefined])
  })

  it('it is the default, a choice of the call, or one of the moment for every instance', async () => {
    const { cache, clock, rig } = openMemoryCache({ settings: { strategy: 'swr' } })
    const other = rig.start({ settings: { strategy: 'simple' } })
    const loader = countingLoader()
    await cache.getOrSet('a', loader.load, { ttl: 1 })
    await clock.advance(1_500)
    expect(await cache.getOrSet('a', loader.load, { ttl: 1, strategy: 'simple' })).toEqual({ n: 2 })
    await clock.advance(1_500)
    expect(await cache.getOrSet('a', loader.load, { ttl: 1 })).toEqual({ n: 2 })
    await cache.setStrategy('simple', 'usr_1')
    await soon()
    await clock.advance(1_500)
    expect(await cache.getOrSet('a', loader.load, { ttl: 1 })).toEqual({ n: 4 })
    await other.cache.setStrategy('swr', 'usr_1')
    expect([cache.strategy, other.cache.strategy]).toEqual(['swr', 'swr'])
  })
})

describe('without word of invalidations', () => {
  it('nothing is answered after two seconds, and what is not missed counts again afterwards', async () => {
    const { cache, clock, instance, rig } = openMemoryCache()
    await cache.set('one', 1, { ttl: 60, tags: ['printer'] })
    await cache.set('two', 2, { ttl: 60, tags: ['file'] })
    instance.deafen()
    await clock.advance(2_000)
    expect(await cache.mget(['one', 'two'])).toEqual([1, 2])
    await clock.advance(1)
    expect(await cache.mget(['one', 'two'])).toEqual([undefined, undefined])
    expect([cache.peek('one'), cache.stats().memory.answering]).toEqual([undefined, false])
    await rig.store({
      type: 'printer.updated',
      subjectType: 'printer',
      subjectId: 'prn_1',
      payload: { printerId: 'prn_1' },
    })
    instance.heal()
    expect(await cache.mget(['one', 'two'])).toEqual([undefined, 2])
    expect(cache.stats().memory.answering).toBe(true)
  })

  it('those who ask at once still share one load', async () => {
    const { cache, clock, instance } = openMemoryCache()
    const loader = countingLoader()
    instance.deafen()
    await clock.advance(2_001)
    await Promise.all([1, 2, 3].map(() => cache.getOrSet('a', loader.load, { ttl: 9 })))
    expect(loader.loads).toBe(1)
    await cache.getOrSet('a', loader.load, { ttl: 9 })
    expect(loader.loads).toBe(2)
  })
})
