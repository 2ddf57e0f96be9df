import { expect, it } from 'vitest'

import { inRole, SYSTEM_ACTOR, type Actor } from '../kernel/index.js'
import { inputHash } from '../kernel/input-hash.js'
import { openMemoryCache } from '../testing/cache-rig.js'
import { Answers, dataOf } from '../trpc/answers.js'
import { KeptReads } from './kept-reads.js'

interface Shelf {
  books: { list: () => Promise<{ title: string; at: Date }[]> }
}

/** Counts the reads that come through, and for whom they were made. */
const open = () => {
  const { cache, clock } = openMemoryCache()
  const readers: Actor[] = []
  const asked: string[] = []
  const books = [{ title: 'One', at: new Date(0) }]
  const shelf: Shelf = { books: { list: () => Promise.resolve([...books]) } }
  const reads = new KeptReads<Shelf>(
    {
      read: (actor, work) => {
        readers.push(actor)
        return work(shelf)
      },
    },
    cache,
    'build',
    ({ id }, { query }) => asked.push(`${id} ${query}`),
  )
  const list = (actor: Actor, input: unknown = {}) =>
    reads.read(actor, (repositories) => repositories.books.list(), { query: 'books.list', input, tags: ['book'] })
  return { cache, clock, reads, readers, asked, books, list }
}

const actor = (id: string, printerGroups: Actor['scope']['printerGroups'] = 'all'): Actor => ({
  ...{ ...SYSTEM_ACTOR, id },
  scope: { printerGroups, projects: 'all' },
})

it('a query is made once for all who see the same, and comes back with its dates', async () => {
  const { readers, asked, list } = open()
  const answers = [await list(actor('usr_1')), await list(actor('usr_2')), await list(actor('usr_1'))]
  expect(answers).toEqual(Array(3).fill([{ title: 'One', at: new Date(0) }]))
  expect(readers).toHaveLength(1)
  expect(asked).toEqual(['usr_1 books.list', 'usr_2 books.list', 'usr_1 books.list'])
})

it('whoever sees other printers, or asks for something else, gets another', async () => {
  const { readers, list } = open()
  await list(actor('usr_1'))
  await list(actor('usr_1', ['grp_1']))
  await list({ ...actor('usr_1'), ...inRole('viewer') })
  await list(actor('usr_1'), { limit: 1 })
  expect(readers).toHaveLength(4)
})

it('what an event makes untrue is read again, of nothing older than the event', async () => {
  const { cache, clock, readers, books, list } = open()
  await list(actor('usr_1'))
  books.push({ title: 'Two', at: new Date(1) })
  await cache.invalidateTags(['book'])
  const invalidatedAtMs = clock.monotonicMs()
  await clock.advance(5)
  expect(await list(actor('usr_1'))).toHaveLength(2)
  expect(readers.map(({ readsAsOfMs }) => readsAsOfMs)).toEqual([-Infinity, invalidatedAtMs])
})

it('what must be newer than that stays so', async () => {
  const { readers, list } = open()
  await list({ ...actor('usr_1'), readsAsOfMs: 7 })
  expect(readers[0]?.readsAsOfMs).toBe(7)
})

it('what is read while the answer of the same name is made is another thing', async () => {
  const { cache, list } = open()
  const answers = new Answers(cache, 'build')
  const rule = { ttl: 60, tags: ['book'], scope: 'shared' as const, minFresh: 0 }
  const key = answers.keyOf('books.list', inputHash({}), rule, actor('usr_1'))
  const bytes = await answers.getOrMake(key, rule, () => list(actor('usr_1')))
  expect(dataOf(bytes)).toEqual([{ title: 'One', at: new Date(0) }])
})

it('nothing is kept that is not said to be', async () => {
  const { reads, readers } = open()
  const read = () => reads.read(actor('usr_1'), ({ books }) => books.list())
  await read()
  await read()
  expect(readers).toEqual([actor('usr_1'), actor('usr_1')])
})
