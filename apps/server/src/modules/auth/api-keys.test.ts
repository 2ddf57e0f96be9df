import { createApiKeyInput, type CreateApiKeyInput } from '@gantry/schemas'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'

import { newId, SYSTEM_ACTOR, type GantryError, type Actor, type StoredEvent } from '../../kernel/index.js'
import { openAuth, PASSWORD } from '../../testing/auth-bench.js'

type Bench = Awaited<ReturnType<typeof openAuth>>
type Wish = Partial<z.input<typeof createApiKeyInput>>

const open = async () => {
  const bench = await openAuth()
  const { authenticator, apiKeys, login } = bench
  const ada = await authenticator.authenticate(`Bearer ${(await login()).accessToken}`)
  const wish = (more: Wish = {}): CreateApiKeyInput =>
    createApiKeyInput.parse({ password: PASSWORD, name: 'slicer', scopes: ['files.read', 'printers.control'], ...more })
  const create = (more: Wish = {}, actor: Actor = ada!) => apiKeys.create(actor, wish(more), '192.0.2.1')
  const ask = (key: string) => authenticator.authenticate(`Bearer ${key}`)
  return { ...bench, ada: ada!, create, ask, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() }
}

const told = (type: 'user.updated' | 'api_key.revoked', payload: object): StoredEvent =>
  ({
    ...{ cursor: '1-1', type, subjectType: 'x', subjectId: 'x', payload, actorId: null },
    ...{ createdAt: new Date(), printerGroupId: null, projectId: null },
  }) as StoredEvent

const groupOf = async ({ prisma }: Bench, name: string): Promise<string> => {
  const id = newId('printerGroup')
  await prisma.printerGroup.create({ data: { id, name } })
  return id
}

const unauthenticated = { code: 'UNAUTHENTICATED' }

describe('an API key', () => {
  it('is shown once, and only its hash is kept', async () => {
    await using bench = await open()
    const { create, apiKeys, ada, prisma } = bench
    const made = await create()
    expect(made.key).toMatch(/^gty_[0-9a-f]{32}_[\w-]{43}$/)
    const [stored] = await prisma.apiKey.findMany()
    expect(JSON.stringify(stored)).not.toContain(made.key.slice(-43))
    expect(stored?.secretHash).toMatch(/^[0-9a-f]{64}$/)
    const { key: _shownOnce, ...rest } = made
    expect(await apiKeys.list(ada)).toEqual([rest])
  })

  it('acts for its user, as far as its scopes go', async () => {
    await using bench = await open()
    const { create, ask, userId, used } = bench
    const { id, key } = await create()
    const actor = await ask(key)
    expect(actor).toMatchObject({ kind: 'api_key', id: userId, role: 'api_key', apiKeyId: id, sessionId: null })
    expect([...actor!.permissions]).toEqual(['files.read', 'printers.control'])
    expect(actor!.scope).toEqual({ printerGroups: 'all', projects: 'all' })
    expect(used).toEqual([id])
  })

  it('is made only with the right password, which counts with the logins', async () => {
    await using bench = await open()
    const { create, prisma } = bench
    const wrong = () => create({ password: 'wrong' })
    for (let n = 0; n < 5; n += 1) await expect(wrong()).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    await expect(create()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(await prisma.apiKey.count()).toBe(0)
  })

  it('has no scope that its user has not got, and no place that there is not', async () => {
    await using bench = await open()
    const { create } = bench
    await expect(create({ scopes: ['files.read', 'users.manage'] })).rejects.toMatchObject({
      code: 'FORBIDDEN',
      params: { needs: 'users.manage', has: 'operator' },
    })
    const notFound = { code: 'NOT_FOUND' }
    await expect(create({ printerGroupIds: [newId('printerGroup')] })).rejects.toMatchObject(notFound)
    await expect(create({ projectIds: [newId('project')] })).rejects.toMatchObject(notFound)
    await expect(create({ expiresAt: new Date(0) })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
  })

  it('is kept to its printer groups, within those of its user, and then takes no exports', async () => {
    await using bench = await open()
    const { create, ask, prisma, userId, say } = bench
    const [one, two] = [await groupOf(bench, 'one'), await groupOf(bench, 'two')]
    const { key } = await create({ printerGroupIds: [one, two], scopes: ['printers.read', 'exports.read'] })
    const before = await ask(key)
    expect(before?.scope.printerGroups).toEqual([one, two])
    expect([...before!.permissions]).toEqual(['printers.read'])
    const kept = { allPrinters: false, printerGroupIds: [two], allProjects: true }
    await prisma.userScope.create({ data: { userId, ...kept } })
    say(told('user.updated', { userId }))
    expect((await ask(key))?.scope.printerGroups).toEqual([two])
  })

  it('of a user whose scope names nothing sees nothing', async () => {
    await using bench = await open()
    const { create, ask, prisma, userId } = bench
    await prisma.userScope.create({ data: { userId, allPrinters: false, allProjects: false } })
    const { key } = await create()
    expect((await ask(key))?.scope).toEqual({ printerGroups: [], projects: [] })
  })

  it('loses what its user loses: at once when it is told, and within a minute if not', async () => {
    await using bench = await open()
    const { authenticator, create, ask, prisma, userId, say, move } = bench
    const { key } = await create()
    const actor = await ask(key)
    await prisma.user.update({ where: { id: userId }, data: { role: 'viewer' } })
    expect(await authenticator.stillValid(actor!)).toBe(true)
    say(told('user.updated', { userId }))
    expect(await authenticator.stillValid(actor!)).toBe(false)
    expect([...(await ask(key))!.permissions]).toEqual(['files.read'])
    await prisma.user.update({ where: { id: userId }, data: { disabledAt: new Date() } })
    move(60_001)
    await expect(ask(key)).rejects.toMatchObject(unauthenticated)
  })

  it('is refused alike when it is unknown, wrong, malformed, revoked or expired', async () => {
    await using bench = await open()
    const { create, ask, apiKeys, ada, move } = bench
    const [kept, revoked, short] = [
      await create(),
      await create(),
      await create({ expiresAt: new Date(Date.now() + 30_000) }),
    ]
    for (const { key } of [kept, revoked, short]) await ask(key)
    await apiKeys.revoke(ada, revoked.id)
    move(30_001)
    const other = `${kept.key.slice(0, -43)}${'A'.repeat(43)}`
    const unknown = kept.key.replace(/^gty_./, (start) => `gty_${start.endsWith('f') ? '0' : 'f'}`)
    const refusals = [other, unknown, kept.key.slice(0, -1), 'gty_', revoked.key, short.key].map((key) =>
      ask(key).catch((error: unknown) => {
        const { code, params, userText, retryAfterSeconds } = error as GantryError
        return { code, params, userText, retryAfterSeconds }
      }),
    )
    const seen = (await Promise.all(refusals)).map((error) => JSON.stringify(error))
    expect(new Set(seen).size).toBe(1)
    expect(seen[0]).toContain('UNAUTHENTICATED')
    await ask(kept.key)
  })

  it('is forgotten when another instance revoked it', async () => {
    await using bench = await open()
    const { create, ask, prisma, say, userId } = bench
    const { id, key } = await create()
    await ask(key)
    await prisma.apiKey.update({ where: { id }, data: { revokedAt: new Date() } })
    await ask(key)
    say(told('api_key.revoked', { apiKeyId: id, userId }))
    await expect(ask(key)).rejects.toMatchObject(unauthenticated)
  })

  it("is revoked by its user or by who manages users, and nobody else's", async () => {
    await using bench = await open()
    const { create, apiKeys, ada } = bench
    const [mine, another] = [await create(), await create()]
    const stranger: Actor = { ...ada, id: newId('user') }
    await expect(apiKeys.revoke(stranger, mine.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await apiKeys.revoke(ada, mine.id)
    await expect(apiKeys.revoke(ada, mine.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await apiKeys.revoke({ ...SYSTEM_ACTOR, id: newId('user') }, another.id)
    expect(await apiKeys.list(ada)).toEqual([])
  })
})
