import { expect, it } from 'vitest'

import { openTestDatabase, silentHook, untilOneWaitsForLock, type OpenDatabase } from '../testing/open-database.js'
import { createOutbox } from './outbox.js'
import { repositoriesFor } from './repositories.js'
import { createUnitOfWork } from './unit-of-work.js'

const IDS = ['ob_0', 'ob_1', 'ob_2', 'ob_3', 'ob_4']

const relayed = async ({ prisma }: OpenDatabase) => {
  await prisma.outbox.createMany({ data: IDS.map((id) => ({ id, type: 'TEST', payload: {}, state: 'relayed' })) })
}

const statesOf = async ({ prisma }: OpenDatabase) =>
  (await prisma.outbox.findMany({ orderBy: { id: 'asc' } })).map(({ state }) => state as string)

it('jobs that begin together are each told whether they are open, and jobs that end together are each done', async () => {
  await using database = await openTestDatabase()
  const outbox = createOutbox(database.prisma)
  await relayed(database)
  await outbox.markDead('ob_2', { error: 'no', stack: null })
  const opens = [...IDS, 'ob_none'].map((id) => outbox.isOpen(id))
  expect(await Promise.all(opens)).toEqual([true, true, false, true, true, false])
  await Promise.all([...IDS, 'ob_none'].map((id) => outbox.markDone(id)))
  expect(await statesOf(database)).toEqual(['done', 'done', 'dead', 'done', 'done'])
  expect(await outbox.isOpen('ob_0')).toBe(false)
})

it('a row that a transaction holds is waited for, and keeps no other one from being done', async () => {
  await using database = await openTestDatabase()
  const { prisma } = database
  const outbox = createOutbox(prisma)
  await relayed(database)
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  let letGo: () => void = () => undefined
  const held = new Promise<void>((resolve) => (letGo = resolve))
  let holds: () => void = () => undefined
  const isHeld = new Promise<void>((resolve) => (holds = resolve))
  const breaking = unitOfWork.run(async (tx) => {
    await tx.finishJob('ob_1')
    holds()
    await held
    throw new Error('rolled back')
  })
  await isHeld
  const [first, waiting, ...others] = ['ob_0', 'ob_1', 'ob_2', 'ob_3', 'ob_4'].map((id) => outbox.markDone(id))
  await Promise.all([first, ...others])
  await untilOneWaitsForLock(prisma)
  expect(await statesOf(database)).toEqual(['done', 'relayed', 'done', 'done', 'done'])
  letGo()
  await expect(breaking).rejects.toThrow('rolled back')
  await waiting
  expect(await statesOf(database)).toEqual(Array<string>(5).fill('done'))
})
