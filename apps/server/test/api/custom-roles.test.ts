import { ROLE_PERMISSIONS, type Permission } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { newId } from '../../src/kernel/index.js'
import {
  callerOf,
  PASSWORD,
  startAppUnderTest,
  type AppUnderTest,
  type Caller,
} from '../../src/testing/app-under-test.js'

let app: AppUnderTest
beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_ROLES: 'api' })
})
afterAll(() => app[Symbol.asyncDispose]())

const idOf = async ({ trpc }: Caller) => (await trpc.auth.me.query()).id
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'OK',
    (error: unknown) => (error as { data?: { code?: string } }).data?.code,
  )
let made = 0
const create = (...permissions: Permission[]) =>
  app.admin.trpc.roles.create.mutate({ name: `role ${(made += 1)}`, permissions })

/** Somebody who has a role of these permissions and nothing else. */
const having = async (...permissions: Permission[]) => {
  const caller = await app.logInAs('admin')
  const { id: role } = await create(...permissions)
  await app.admin.trpc.roles.assign.mutate({ userId: await idOf(caller), role })
  return { caller, role, userId: await idOf(caller) }
}

const keyOf = ({ trpc }: Caller, scope: Permission) =>
  trpc.apiKeys.create.mutate({ password: PASSWORD, name: 'key', scopes: [scope] })

describe('who manages users', () => {
  it('gets around neither password nor second factor of their own account', async () => {
    const { trpc, rest } = await app.logInAs('admin')
    const { id } = await trpc.auth.me.query()
    const link = await rest('POST', `/api/users/${id}/password-link`, {})
    expect([link.status, link.error?.code]).toEqual([409, 'INVALID_STATE'])
    expect((await rest('DELETE', `/api/users/${id}/second-factor`)).error?.code).toBe('INVALID_STATE')
    expect(await app.prisma.passwordToken.count({ where: { userId: id } })).toBe(0)
    const other = await idOf(await app.logInAs('viewer'))
    expect((await rest('POST', `/api/users/${other}/password-link`, {})).status).toBe(200)
    expect((await rest('DELETE', `/api/users/${other}/second-factor`)).error).toBeNull()
  })

  it('does so as a person, not by an API key', async () => {
    const { trpc } = await app.logInAs('admin')
    const scopes = ['users.read' as const, 'users.manage' as const, ...ROLE_PERMISSIONS.viewer]
    const { key } = await trpc.apiKeys.create.mutate({ password: PASSWORD, name: 'key', scopes })
    const by = callerOf(app.url, { Authorization: `Bearer ${key}` })
    const id = await idOf(await app.logInAs('viewer'))
    const refused = { code: 'FORBIDDEN', params: { needs: 'session', has: 'api_key' } }
    expect((await by.rest('POST', `/api/users/${id}/password-link`, {})).error).toMatchObject(refused)
    expect((await by.rest('DELETE', `/api/users/${id}/second-factor`)).error).toMatchObject(refused)
    expect((await by.rest('PATCH', `/api/users/${id}`, { displayName: 'Vera' })).status).toBe(200)
  })
})

describe('a role that people made', () => {
  it('lets its users do what it says, and nothing else, whatever they were before', async () => {
    const { caller, role, userId } = await having('files.read', 'webhooks.read')
    expect(await codeOf(caller.trpc.files.list.query({}))).toBe('OK')
    expect(await codeOf(caller.trpc.webhooks.list.query({}))).toBe('OK')
    const refused = await caller.rest('GET', '/api/printers')
    const { name } = (await app.admin.trpc.roles.list.query()).items.find(({ id }) => id === role) ?? { name: '' }
    expect(refused.error).toMatchObject({ code: 'FORBIDDEN', params: { needs: 'printers.read', has: name } })
    await app.admin.trpc.roles.assign.mutate({ userId, role: 'viewer' })
    expect(await codeOf(caller.trpc.printers.list.query({}))).toBe('OK')
    expect(await codeOf(caller.trpc.webhooks.list.query({}))).toBe('FORBIDDEN')
  })

  it('changes at once for everybody who has it, keys included', async () => {
    const { caller, role } = await having('files.read', 'alarms.read')
    const scopes = ['alarms.read' as const]
    const { key } = await caller.trpc.apiKeys.create.mutate({ password: PASSWORD, name: 'key', scopes })
    const by = callerOf(app.url, { Authorization: `Bearer ${key}` })
    expect(await codeOf(by.trpc.alarms.list.query({}))).toBe('OK')
    const changed = await app.admin.trpc.roles.update.mutate({ id: role, ifVersion: 1, permissions: ['files.read'] })
    expect(changed).toMatchObject({ permissions: ['files.read'], version: 2, users: 1 })
    expect(await codeOf(caller.trpc.alarms.list.query({}))).toBe('FORBIDDEN')
    expect(await codeOf(by.trpc.alarms.list.query({}))).toBe('FORBIDDEN')
    const stale = { id: role, ifVersion: 1, permissions: [] }
    expect(await codeOf(app.admin.trpc.roles.update.mutate(stale))).toBe('VERSION_CONFLICT')
  })

  it('has a name of its own, and goes only when nobody has it', async () => {
    const { role, userId } = await having('files.read')
    const { roles } = app.admin.trpc
    const { name } = await create('files.read')
    expect(await codeOf(roles.create.mutate({ name, permissions: [] }))).toBe('NAME_TAKEN')
    expect(await codeOf(roles.update.mutate({ id: role, name }))).toBe('NAME_TAKEN')
    expect(await codeOf(roles.create.mutate({ name: 'Admin', permissions: [] }))).toBe('VALIDATION_FAILED')
    expect(await codeOf(roles.remove.mutate({ id: role }))).toBe('INVALID_STATE')
    await roles.assign.mutate({ userId, role: 'operator' })
    expect(await codeOf(roles.remove.mutate({ id: role }))).toBe('OK')
    expect(await codeOf(roles.remove.mutate({ id: role }))).toBe('NOT_FOUND')
    expect(await codeOf(roles.assign.mutate({ userId, role }))).toBe('NOT_FOUND')
    expect(await codeOf(roles.assign.mutate({ userId: newId('user'), role: 'viewer' }))).toBe('NOT_FOUND')
  })

  it('is no way to more than one has, nor to being locked out', async () => {
    const { caller, role, userId } = await having('users.read', 'users.manage')
    const { roles } = caller.trpc
    const other = await idOf(await app.logInAs('viewer'))
    expect(await codeOf(roles.create.mutate({ name: 'more', permissions: ['files.read'] }))).toBe('FORBIDDEN')
    expect(await codeOf(roles.assign.mutate({ userId: other, role: 'admin' }))).toBe('FORBIDDEN')
    expect(await codeOf(roles.assign.mutate({ userId, role }))).toBe('INVALID_STATE')
    expect(await codeOf(roles.update.mutate({ id: role, permissions: [] }))).toBe('INVALID_STATE')
    const same = await roles.create.mutate({ name: 'same', permissions: ['users.read'] })
    expect(await codeOf(roles.assign.mutate({ userId: other, role: same.id }))).toBe('FORBIDDEN')
    const { userId: less } = await having('users.read')
    expect(await codeOf(roles.assign.mutate({ userId: less, role: same.id }))).toBe('OK')
  })

  it('looks after nobody who may more, and after those who may less', async () => {
    const { caller } = await having('users.read', 'users.manage')
    const more = await having('files.read')
    const { id: sessionId } = (await more.caller.trpc.sessions.list.query({})).items[0]!
    const { id: keyId, key } = await keyOf(more.caller, 'files.read')
    // Nobody has it, so that nothing else keeps it from being removed.
    const { id: stronger } = await create('files.read')
    const { id: exportId } = await app.admin.trpc.users.orderExport.mutate({ id: more.userId })
    const on = (id: string) => ({ printers: { groupIds: [] }, projectIds: [], userId: id })
    const { users, userScopes, secondFactor, roles, apiKeys } = caller.trpc
    const refused = [
      () => users.update.mutate({ id: more.userId, displayName: 'x' }),
      () => users.disable.mutate({ id: more.userId }),
      () => users.enable.mutate({ id: more.userId }),
      () => users.sendPasswordLink.mutate({ id: more.userId }),
      () => users.revokeSession.mutate({ id: more.userId, sessionId }),
      () => users.revokeSessions.mutate({ id: more.userId }),
      () => users.orderExport.mutate({ id: more.userId }),
      () => users.getExport.query({ id: more.userId, exportId }),
      () => users.delete.mutate({ id: more.userId, waiveExport: true }),
      () => userScopes.set.mutate(on(more.userId)),
      () => secondFactor.reset.mutate({ id: more.userId }),
      () => roles.update.mutate({ id: more.role, permissions: [] }),
      () => roles.remove.mutate({ id: more.role }),
      () => roles.remove.mutate({ id: stronger }),
      () => apiKeys.revoke.mutate({ id: keyId }),
      () => users.create.mutate({ email: 'more@example.org', role: 'viewer' }),
    ]
    for (const ask of refused) expect([ask.toString(), await codeOf(ask())]).toEqual([ask.toString(), 'FORBIDDEN'])
    expect(await codeOf(more.caller.trpc.files.list.query({}))).toBe('OK')
    const byKey = callerOf(app.url, { Authorization: `Bearer ${key}` })
    expect(await codeOf(byKey.trpc.files.list.query({}))).toBe('OK')

    const less = await having('users.read')
    const { id: lesserKey } = await keyOf(less.caller, 'users.read')
    expect(await codeOf(apiKeys.revoke.mutate({ id: lesserKey }))).toBe('OK')
    const { id: weaker } = await create('users.read')
    expect(await codeOf(roles.remove.mutate({ id: weaker }))).toBe('OK')
    const { id: own } = await users.orderExport.mutate({ id: less.userId })
    expect(await codeOf(users.getExport.query({ id: less.userId, exportId: own }))).toBe('OK')
    expect(await codeOf(users.getExport.query({ id: less.userId, exportId }))).toBe('NOT_FOUND')
    expect(await codeOf(users.revokeSession.mutate({ id: less.userId, sessionId }))).toBe('NOT_FOUND')
    expect(await codeOf(userScopes.set.mutate(on(less.userId)))).toBe('OK')
    expect(await users.revokeSessions.mutate({ id: less.userId })).toEqual({ ended: 1 })
    expect(await codeOf(less.caller.trpc.auth.me.query())).toBe('SESSION_ENDED')
  })
})
