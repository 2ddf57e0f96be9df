import { describe, expect, it } from 'vitest'

import type { Cache, CacheLoadOptions, LoadContext } from '../kernel/index.js'
import { countingLoader, openMemoryCache, soon } from '../testing/cache-rig.js'

describe('a value in memory', () => {
  it('is there until its seconds are over', async () => {
    const { clock, cache } = openMemoryCache()
    await cache.set('printer:1', { name: 'Cellar' }, { ttl: 300 })
    await clock.advance(299_999)
    expect(await cache.get('printer:1')).toEqual({ name: 'Cellar' })
    expect(cache.peek('printer:1')).toEqual({ value: { name: 'Cellar' }, ageSeconds: 299.999 })
    await clock.advance(1)
    expect(await cache.get('printer:1')).toBeUndefined()
    expect(cache.peek('printer:1')).toBeUndefined()
  })

  it.each([
    ['a text', 'grüße'],
    ['a number', 0],
    ['false', false],
    ['null', null],
    ['a list', [1, { two: 2 }, null]],
    ['an empty text', ''],
  ])('may be %s', async (_what, value) => {
    const { cache } = openMemoryCache()
    await cache.set('any', value, { ttl: 1 })
    expect(await cache.get('any')).toEqual(value)
    expect(await cache.mget(['none', 'any'])).toEqual([undefined, value])
  })

  it('comes back as JSON makes it, the first time too', async () => {
    const { cache } = openMemoryCache()
    const load = () => Promise.resolve({ at: new Date(0), nothing: undefined })
    for (let turn = 0; turn < 2; turn += 1)
      expect(await cache.getOrSet('when', load, { ttl: 9 })).toStrictEqual({ at: '1970-01-01T00:00:00.000Z' })
  })

  it('may be bytes, and is no copy', async () => {
    const { cache } = openMemoryCache()
    const bytes = new Uint8Array([0, 255, 128, 10])
    await cache.set('answer', bytes, { ttl: 1 })
    const kept = await cache.get<Buffer>('answer')
    expect(kept).toEqual(Buffer.from(bytes))
    expect(kept?.buffer).toBe(bytes.buffer)
  })

  it('can be changed by nobody who has it', async () => {
    const { cache } = openMemoryCache()
    const mine = { list: [1] }
    await cache.set('list', mine, { ttl: 1 })
    mine.list.push(2)
    const got = await cache.get<typeof mine>('list')
    expect(() => got?.list.push(3)).toThrow(TypeError)
    expect(await cache.get('list')).toEqual({ list: [1] })
  })

  it('that is undefined is not kept', async () => {
    const { cache } = openMemoryCache()
    let loads = 0
    const load = () => {
      loads += 1
      return Promise.resolve<string | undefined>(undefined)
    }
    expect(await cache.getOrSet('nothing', load, { ttl: 9 })).toBeUndefined()
    expect(await cache.getOrSet('nothing', load, { ttl: 9 })).toBeUndefined()
    expect(loads).toBe(2)
    await expect(cache.set('nothing', undefined, { ttl: 9 })).rejects.toThrow(TypeError)
  })

  it('goes when there is no room, the least recently used first', async () => {
    const { cache } = openMemoryCache({ settings: { memory: { maxEntries: 3, maxBytes: 1_000_000 } } })
    for (const key of ['a', 'b', 'c']) await cache.set(key, key, { ttl: 9 })
    await cache.get('a')
    await cache.set('d', 'd', { ttl: 9 })
    expect(await cache.mget(['a', 'b', 'c', 'd'])).toEqual(['a', undefined, 'c', 'd'])
  })

  it('takes no more bytes together with the others than there are', async () => {
    const { cache } = openMemoryCache({ settings: { memory: { maxEntries: 1_000, maxBytes: 100_000 } } })
    for (let n = 0; n < 100; n += 1) await cache.set(`k:${n}`, 'x'.repeat(9_000), { ttl: 9 })
    const { entries, bytes } = cache.stats().memory
    expect(entries).toBe(10)
    expect(bytes).toBeLessThanOrEqual(100_000)
    await cache.set('k:99', 'x'.repeat(200_000), { ttl: 9 })
    expect(await cache.get('k:99')).toBeUndefined()
  })
})

describe('getOrSet', () => {
  it('loads once for a thousand that miss at once', async () => {
    const { cache } = openMemoryCache()
    const loader = countingLoader()
    loader.waits = true
    const asked = Array.from({ length: 1_000 }, () => cache.getOrSet('busy', loader.load, { ttl: 9 }))
    await soon()
    loader.land()
    const answers = await Promise.all(asked)
    expect(loader.loads).toBe(1)
    expect(new Set(answers).size).toBe(1)
  })

  it('loads anew what is fresh for no longer than the caller needs', async () => {
    const { cache, clock } = openMemoryCache()
    const loader = countingLoader()
    const ask = (minFresh: number) => cache.getOrSet('a', loader.load, { ttl: 10, minFresh })
    await ask(0)
    await clock.advance(7_999)
    expect(await ask(2)).toEqual({ n: 1 })
    await clock.advance(1)
    expect(await ask(2)).toEqual({ n: 2 })
    await clock.advance(9_999)
    expect(await ask(0)).toEqual({ n: 2 })
  })

  it('tells all who wait of a failure, and tries again for the next', async () => {
    const { cache } = openMemoryCache()
    let loads = 0
    const load = () => Promise.reject(new Error(`no ${(loads += 1)}`))
    const asked = await Promise.allSettled([1, 2, 3].map(() => cache.getOrSet('bad', load, { ttl: 9 })))
    expect(asked.map((answer) => answer.status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(loads).toBe(1)
    await expect(cache.getOrSet('bad', load, { ttl: 9 })).rejects.toThrow('no 2')
  })

  it('waits no longer than ten seconds for a load that hangs', async () => {
    const { cache, clock } = openMemoryCache()
    const loader = countingLoader()
    loader.waits = true
    void cache.getOrSet('slow', loader.load, { ttl: 60 })
    await clock.advance(9_999)
    void cache.getOrSet('slow', loader.load, { ttl: 60 })
    expect(loader.loads).toBe(1)
    await clock.advance(1)
    loader.waits = false
    expect(await cache.getOrSet('slow', loader.load, { ttl: 60 })).toEqual({ n: 2 })
    loader.land()
    await soon()
    expect(await cache.get('slow')).toEqual({ n: 2 })
  })

  it('tells the loader when a tag was invalidated', async () => {
    const { cache, clock } = openMemoryCache()
    const seen: number[] = []
    const load = ({ invalidatedAtMs }: LoadContext) => Promise.resolve(seen.push(invalidatedAtMs))
    const options = { ttl: 1, tags: ['printer'] }
    await cache.getOrSet('a', load, options)
    await cache.invalidateTags(['printer'])
    const invalidatedAtMs = clock.monotonicMs()
    await clock.advance(70)
    await cache.getOrSet('a', load, options)
    expect(seen).toEqual([-Infinity, invalidatedAtMs])
  })
})

describe('invalidation', () => {
  const tagged: CacheLoadOptions = { ttl: 60, tags: ['printer', 'prn_1'] }

  it('by any of its tags takes a value, and no other', async () => {
    const { cache } = openMemoryCache()
    await cache.set('one', 1, tagged)
    await cache.set('two', 2, { ttl: 60, tags: ['printer', 'prn_2'] })
    await cache.invalidateTags(['prn_1'])
    expect(await cache.mget(['one', 'two'])).toEqual([undefined, 2])
    await cache.invalidateTags(['printer'])
    expect(await cache.get('two')).toBeUndefined()
  })

  it('by an event takes what carries its subject or an id that it names', async () => {
    const { cache, rig } = openMemoryCache()
    const kept = { job: ['pj_1'], list: ['attempt'], printer: ['prn_1'], other: ['prn_2', 'print_job'] }
    for (const [key, tags] of Object.entries(kept)) await cache.set(key, key, { ttl: 60, tags })
    await rig.store({
      ...{ type: 'attempt.changed', subjectType: 'attempt', subjectId: 'att_1' },
      payload: { attemptId: 'att_1', jobId: 'pj_1', printerId: 'prn_1', from: null, to: 'claimed' },
    })
    expect(await cache.mget(Object.keys(kept))).toEqual([undefined, undefined, undefined, 'other'])
  })

  it('during a load keeps what it brings from being stored, and from those who come later', async () => {
    const { cache } = openMemoryCache()
    const loader = countingLoader()
    loader.waits = true
    const early = cache.getOrSet('one', loader.load, tagged)
    await cache.invalidateTags(['prn_1'])
    const late = cache.getOrSet('one', loader.load, tagged)
    await soon()
    loader.land()
    expect([await early, await late]).toEqual([{ n: 1 }, { n: 2 }])
    expect(await cache.get('one')).toEqual({ n: 2 })
    expect(loader.loads).toBe(2)
  })

  it.each<[string, (cache: Cache) => Promise<void>]>([
    ['the key', (cache) => cache.del('user:1')],
    ['a pattern', (cache) => cache.invalidatePattern('user:*')],
  ])('of %s during a load does the same', async (_what, invalidate) => {
    const { cache } = openMemoryCache()
    const loader = countingLoader()
    loader.waits = true
    const early = cache.getOrSet('user:1', loader.load, { ttl: 60 })
    await invalidate(cache)
    loader.land()
    await early
    expect(await cache.get('user:1')).toBeUndefined()
  })

  it('by a pattern takes what matches and nothing else', async () => {
    const { cache } = openMemoryCache()
    for (const key of ['user:1', 'user:22', 'users:1', 'user:1:a']) await cache.set(key, key, { ttl: 60 })
    await cache.invalidatePattern('user:*1*')
    expect(await cache.mget(['user:1', 'user:22', 'users:1', 'user:1:a'])).toEqual([
      undefined,
      'user:22',
      'users:1',
      undefined,
    ])
    await cache.invalidatePattern('user:*')
    expect(await cache.mget(['user:22', 'users:1'])).toEqual([undefined, 'users:1'])
  })

  it('reaches the other instances, and is not done twice in the own one', async () => {
    const { cache, rig } = openMemoryCache()
    const other = rig.start()
    for (const each of [cache, other.cache]) await each.set('one', 1, tagged)
    await cache.invalidateTags(['printer'])
    expect(await other.cache.get('one')).toBeUndefined()
    await cache.set('one', 2, tagged)
    expect(await cache.get('one')).toBe(2)
  })

  it('that cannot be stored is done here and reported', async () => {
    const { cache, rig } = openMemoryCache()
    await cache.set('one', 1, tagged)
    rig.storingFails = true
    await expect(cache.invalidateTags(['printer'])).rejects.toThrow('the database is away')
    expect(await cache.get('one')).toBeUndefined()
  })

  it('takes everything when events were missed for good', async () => {
    const { cache, instance } = openMemoryCache()
    await cache.set('one', 1, { ttl: 60 })
    instance.gap()
    expect(await cache.get('one')).toBeUndefined()
  })
})

describe('what cannot be', () => {
  it.each<[string, (cache: Cache) => Promise<unknown>]>([
    ['an empty key', (cache) => cache.set('', 1, { ttl: 1 })],
    ['a long key', (cache) => cache.getOrSet('k'.repeat(513), () => Promise.resolve(1), { ttl: 1 })],
    ['no time', (cache) => cache.set('a', 1, { ttl: 0 })],
    ['a time that is none', (cache) => cache.set('a', 1, { ttl: NaN })],
    ['a time before', (cache) => cache.set('a', 1, { ttl: 1, staleTtl: -1 })],
    ['a tag with a line break', (cache) => cache.set('a', 1, { ttl: 1, tags: ['a\nb'] })],
    ['too many tags', (cache) => cache.set('a', 1, { ttl: 1, tags: Array.from({ length: 33 }, (_, n) => `${n}`) })],
    ['too many keys', (cache) => cache.mget(Array.from({ length: 1_001 }, (_, n) => `${n}`))],
    ['a pattern of stars', (cache) => cache.invalidatePattern('*a'.repeat(9))],
  ])('is refused: %s', async (_what, call) => {
    const { cache } = openMemoryCache()
    await expect((async () => call(cache))()).rejects.toThrow(RangeError)
  })
})

describe('the counts', () => {
  it('are by group, and the groups are bounded', async () => {
    const { cache } = openMemoryCache()
    for (let n = 0; n < 80; n += 1) await cache.get(`g${n}:secret@example.org`)
    await cache.getOrSet('g1:x', () => Promise.resolve(1), { ttl: 9 })
    await cache.getOrSet('g1:x', () => Promise.resolve(1), { ttl: 9 })
    const { groups } = cache.stats()
    expect(groups).toHaveLength(51)
    expect(groups.find(({ group }) => group === 'g1')).toMatchObject({ memory: { hits: 1, misses: 2 }, loads: 1 })
    expect(groups.at(-1)).toMatchObject({ group: 'other', memory: { misses: 30 } })
    expect(JSON.stringify(groups)).not.toContain('secret')
  })
})
