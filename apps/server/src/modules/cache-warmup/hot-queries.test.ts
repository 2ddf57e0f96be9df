import { expect, it } from 'vitest'

import { repositoriesFor } from '../../db/repositories.js'
import { createUnitOfWork } from '../../db/unit-of-work.js'
import { inRole, SYSTEM_ACTOR, type Actor } from '../../kernel/index.js'
import { ManualClock } from '../../testing/manual-clock.js'
import { openTestDatabase, silentHook } from '../../testing/open-database.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { HotQueries } from './hot-queries.js'

const person: Actor = { ...SYSTEM_ACTOR, kind: 'user', id: 'usr_1', ...inRole('viewer') }
const kept = (query: string, input: unknown = { limit: 50, cursor: null }) => ({ query, input, tags: [] })

const open = async () => {
  const database = await openTestDatabase()
  const { prisma } = database
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const instance = () => new HotQueries({ unitOfWork, clock: new ManualClock(), log: recordingLogger() })
  const hottest = (limit = 10) => unitOfWork.run(({ hotQueries }) => hotQueries.hottest(limit))
  return { database, prisma, unitOfWork, instance, hottest }
}

const ask = (queries: HotQueries, times: number, query: string, actor = person) => {
  for (let n = 0; n < times; n += 1) queries.note(actor, kept(query))
}

it('the queries that people ask most come first, counted over all instances', async () => {
  const { database, instance, hottest } = await open()
  await using _ = database
  const [one, two] = [instance(), instance()]
  ask(one, 3, 'files.list')
  ask(one, 2, 'alarms.list')
  ask(two, 2, 'alarms.list')
  ask(two, 1, 'files.list', { ...person, ...inRole('admin') })
  await Promise.all([one.flush(), two.stop()])
  await one.flush()
  const input = { limit: 50, cursor: null }
  expect(await hottest()).toEqual([
    { query: 'alarms.list', input, role: 'viewer' },
    { query: 'files.list', input, role: 'viewer' },
    { query: 'files.list', input, role: 'admin' },
  ])
  expect(await hottest(1)).toHaveLength(1)
})

it('what was asked long ago counts less, and is forgotten in the end', async () => {
  const { database, prisma, unitOfWork, instance, hottest } = await open()
  await using _ = database
  const queries = instance()
  ask(queries, 6, 'files.list')
  await queries.flush()
  await prisma.hotQuery.updateMany({ data: { askedAt: new Date(Date.now() - 2 * 86_400_000) } })
  ask(queries, 2, 'alarms.list')
  await queries.flush()
  expect((await hottest()).map(({ query }) => query)).toEqual(['alarms.list', 'files.list'])
  const removeCold = (keep: number) => unitOfWork.run(({ hotQueries }) => hotQueries.removeCold(keep))
  expect(await removeCold(2)).toBe(0)
  expect(await removeCold(1)).toBe(1)
  expect((await hottest()).map(({ query }) => query)).toEqual(['alarms.list'])
  await prisma.hotQuery.updateMany({ data: { askedAt: new Date(Date.now() - 8 * 86_400_000) } })
  expect(await removeCold(2)).toBe(1)
})

it('neither the server itself nor who sees only a part is counted, and no more than two hundred queries are', async () => {
  const { database, prisma, instance } = await open()
  await using _ = database
  const queries = instance()
  ask(queries, 1, 'files.list', SYSTEM_ACTOR)
  ask(queries, 1, 'files.list', { ...person, scope: { printerGroups: [], projects: 'all' } })
  await queries.flush()
  expect(await prisma.hotQuery.count()).toBe(0)
  for (let n = 0; n < 300; n += 1) queries.note(person, kept('files.versions', `fil_${n}`))
  await queries.flush()
  expect(await prisma.hotQuery.count()).toBe(200)
})
