import { describe, expect, it } from 'vitest'

import { countingLoader, openMemoryCache, soon } from '../testing/cache-rig.js'

const LIFE = { ttl: 10, tags: ['t'] }

describe('find', () => {
  it('waits for a load that is under way, and begins none', async () => {
    const { cache } = openMemoryCache()
    const loader = countingLoader()
    loader.waits = true
    const loading = cache.getOrSet('a', loader.load, LIFE)
    const found = Promise.all([1, 2, 3].map(() => cache.find('a')))
    await soon()
    loader.land()
    expect(await found).toEqual([1, 2, 3].map(() => ({ value: { n: 1 }, ageSeconds: 0 })))
    expect(await loading).toEqual({ n: 1 })
    expect(loader.loads).toBe(1)
    expect(cache.stats().groups[0]?.memory).toMatchObject({ hits: 0, misses: 4 })
    expect(await cache.find('b')).toBeUndefined()
  })

  it('finds nothing when that load fails', async () => {
    const { cache } = openMemoryCache()
    const loading = cache.getOrSet('a', () => soon().then(() => Promise.reject(new Error('away'))), LIFE)
    const found = cache.find('a')
    await expect(loading).rejects.toThrow('away')
    expect(await found).toBeUndefined()
  })

  it('is told by those who began before an invalidation only when it asked before it too', async () => {
    const { cache } = openMemoryCache()
    const loader = countingLoader()
    loader.waits = true
    const loading = cache.getOrSet('a', loader.load, LIFE)
    const before = cache.find('a')
    await cache.invalidateTags(['t'])
    const after = cache.find('a')
    await soon()
    loader.land()
    await loading
    expect((await before)?.value).toEqual({ n: 1 })
    expect(await after).toBeUndefined()
  })

  it('answers with the stale value while it is loaded anew, where the strategy is swr', async () => {
    for (const strategy of ['swr', 'simple'] as const) {
      const { cache, clock } = openMemoryCache({ settings: { strategy } })
      const loader = countingLoader()
      await cache.getOrSet('a', loader.load, LIFE)
      await clock.advance(11_000)
      expect(await cache.find('a')).toBeUndefined()
      loader.waits = true
      const loading = cache.getOrSet('a', loader.load, LIFE)
      const found = cache.find('a')
      await soon()
      loader.land()
      const stale = { value: { n: 1 }, ageSeconds: 11 }
      expect(await found).toEqual(strategy === 'swr' ? stale : { value: { n: 2 }, ageSeconds: 0 })
      await loading
      await clock.advance(20_001)
      expect(await cache.find('a')).toBeUndefined()
    }
  })
})
