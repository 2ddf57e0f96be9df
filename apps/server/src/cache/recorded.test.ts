import { expect, it } from 'vitest'

import type { NewEvent } from '../kernel/index.js'
import { CacheRig } from '../testing/cache-rig.js'

const held: NewEvent = {
  type: 'printer.held',
  subjectType: 'printer',
  subjectId: 'prn_1',
  payload: { printerId: 'prn_1', code: 'HELD_BY_PERSON' },
}

it('what this process has stored itself takes effect before the database tells of it', async () => {
  await using rig = new CacheRig()
  const [here, elsewhere] = [rig.start(), rig.start()]
  for (const { cache } of [here, elsewhere])
    await cache.mset(
      [
        ['list', 1],
        ['printer', 2],
      ],
      { ttl: 60, tags: ['printer'] },
    )
  await here.cache.set('files', 3, { ttl: 60, tags: ['file'] })
  here.record(held)
  expect(await here.cache.mget(['list', 'printer', 'files'])).toEqual([undefined, undefined, 3])
  expect(await elsewhere.cache.get('list')).toBe(1)
  await rig.store(held)
  expect(await elsewhere.cache.get('list')).toBeUndefined()
})
