import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { newId } from '../kernel/index.js'
import { openTestDatabase, type OpenDatabase } from '../testing/open-database.js'
import { QuickCallerRepository } from './callers.repository.js'
import { repositoriesFor } from './repositories.js'

const HOUR_MS = 3_600_000
const operations: string[] = []

let database: OpenDatabase
let callers: QuickCallerRepository

beforeAll(async () => {
  database = await openTestDatabase({ poolSize: 1, onOperation: ({ operation }) => operations.push(operation) })
  callers = new QuickCallerRepository(database.quickRead)
})
afterAll(() => database[Symbol.asyncDispose]())

/** A user with a session and a key that live. */
const somebody = async () => {
  const { prisma } = database
  const [userId, sessionId, keyId] = [newId('user'), newId('session'), newId('apiKey')]
  const user = { id: userId, email: `${userId}@example.org`, displayName: 'Ada', role: 'operator' as const }
  await prisma.user.create({ data: { ...user, passwordHash: '' } })
  const expiresAt = new Date(Date.now() + HOUR_MS)
  await prisma.session.create({ data: { id: sessionId, userId, expiresAt } })
  const lists = { scopes: ['printers.read', 'long.gone'], printerGroupIds: [], projectIds: ['prj_1'] }
  const key = { id: keyId, userId, createdById: userId, name: 'key', secretHash: 'hash', expiresAt, ...lists }
  await prisma.apiKey.create({ data: key })
  return { userId, sessionId, keyId, expiresAt }
}

const rightsOf = (userId: string) => repositoriesFor(database.prisma).users.rights(userId)

/** The prepared statements of the only connection. */
const prepared = async () => {
  const rows = await database.prisma.$queryRaw<{ statement: string }[]>`select statement from pg_prepared_statements`
  return rows.map(({ statement }) => statement).filter((each) => /FROM (?:session|api_key)/.test(each))
}

describe('who calls', () => {
  it('is asked by one statement, which is prepared from the first time on', async () => {
    const { sessionId, keyId } = await somebody()
    operations.length = 0
    await callers.findLiveSession(sessionId)
    expect(operations).toEqual(['findLiveSession'])
    await callers.findLiveKey(keyId)
    expect(operations).toEqual(['findLiveSession', 'findLiveKey'])
    expect(await prepared()).toHaveLength(2)
  })

  it('may what their user may, with a role and a scope of their own too', async () => {
    const { userId, sessionId, keyId, expiresAt } = await somebody()
    const { prisma } = database
    const look = async () => {
      const rights = await rightsOf(userId)
      expect(await callers.findLiveSession(sessionId)).toEqual(rights)
      const places = { printerGroupIds: [], projectIds: ['prj_1'] }
      const key = { id: keyId, secretHash: 'hash', scopes: ['printers.read'], ...places, expiresAt, user: rights }
      expect(await callers.findLiveKey(keyId)).toEqual(key)
      return rights
    }
    expect((await look())?.role).toBe('operator')
    const role = { id: newId('role'), name: 'looks on', permissions: ['printers.read'] }
    await prisma.customRole.create({ data: { ...role, createdById: userId } })
    await repositoriesFor(prisma).roles.assign(userId, { id: role.id }, new Date())
    const location = await prisma.location.create({ data: { id: newId('location'), name: 'Hall' } })
    const groups = [
      await prisma.printerGroup.create({
        data: { id: newId('printerGroup'), name: 'of the hall', locationId: location.id },
      }),
      await prisma.printerGroup.create({ data: { id: newId('printerGroup'), name: 'by itself' } }),
    ].map(({ id }) => id)
    const lists = { printerGroupIds: [groups[1]!], locationIds: [location.id], projectIds: [] }
    await prisma.userScope.create({ data: { userId, allPrinters: false, allProjects: false, ...lists } })
    expect(await look()).toMatchObject({
      role: 'looks on',
      permissions: new Set(['printers.read']),
      scope: { printerGroups: groups.toSorted(), projects: [] },
    })
  })

  it('is nobody once the session or the key is over, or their user disabled', async () => {
    const { prisma } = database
    const past = new Date(Date.now() - HOUR_MS)
    const ends = [() => ({ expiresAt: past }), () => ({ revokedAt: past })]
    for (const end of ends) {
      const { sessionId, keyId } = await somebody()
      await prisma.session.update({ where: { id: sessionId }, data: end() })
      await prisma.apiKey.update({ where: { id: keyId }, data: end() })
      expect([await callers.findLiveSession(sessionId), await callers.findLiveKey(keyId)]).toEqual([null, null])
    }
    const { userId, sessionId, keyId } = await somebody()
    await prisma.user.update({ where: { id: userId }, data: { disabledAt: past } })
    expect([await callers.findLiveSession(sessionId), await callers.findLiveKey(keyId)]).toEqual([null, null])
    expect([await callers.findLiveSession('ses_x'), await callers.findLiveKey('key_x')]).toEqual([null, null])
  })
})
