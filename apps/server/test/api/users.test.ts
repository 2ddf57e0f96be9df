import { randomBytes } from 'node:crypto'

import { PERMISSIONS, type CreatedUser, type DataExport } from '@gantry/schemas'
import { expect, it } from 'vitest'

import { callerOf, startAppUnderTest, type AppUnderTest, type Caller } from '../../src/testing/app-under-test.js'
import { startMailServer } from '../../src/testing/mail-server.js'

const PASSWORD = 'seven purple lanterns'
const SOON = { timeout: 20_000 }

const loggedIn = async ({ url, nobody }: AppUnderTest, email: string, password = PASSWORD) => {
  const { accessToken } = await nobody.trpc.auth.login.mutate({ email, password })
  return callerOf(url, { Authorization: `Bearer ${accessToken}` })
}

it('an admin invites by mail; who is invited chooses a password, forgets it, and resets it by mail', async () => {
  await using server = await startMailServer()
  await using app = await startAppUnderTest({ SMTP_URL: server.url, PUBLIC_URL: 'https://gantry.example.org' })
  const email = 'grace@example.org'
  const tokenOf = async (mails: number, page: string) => {
    await expect.poll(() => server.mails.length, SOON).toBe(mails)
    const [, token = ''] = new RegExp(`#${page}=([\\w-]+)`).exec(server.mails.at(-1)?.parsed.text ?? '') ?? []
    return token
  }
  const { status, body } = await app.admin.rest('POST', '/api/users', { email, displayName: 'Grace', role: 'operator' })
  expect(status).toBe(200)
  const { user, invitation } = body as CreatedUser
  expect(user).toMatchObject({ email, displayName: 'Grace', role: 'operator', state: 'invited' })
  expect(invitation).toMatchObject({ isMailed: true, token: null, link: null })
  const first = { token: await tokenOf(1, 'invitation'), password: PASSWORD }
  expect((await app.nobody.rest('POST', '/api/auth/accept-invitation', first)).error).toBeNull()
  expect((await app.nobody.rest('POST', '/api/auth/accept-invitation', first)).error?.code).toBe('LINK_EXPIRED')
  const grace = await loggedIn(app, email)
  expect(await grace.trpc.auth.me.query()).toMatchObject({ displayName: 'Grace', role: 'operator' })

  const [known, unknown] = await Promise.all(
    [email, 'nobody@example.org'].map((asked) => app.nobody.rest('POST', '/api/auth/password-reset', { email: asked })),
  )
  expect(known).toEqual(unknown)
  const second = { token: await tokenOf(2, 'reset'), password: 'eight purple lanterns' }
  expect((await app.nobody.rest('PUT', '/api/auth/password-reset', second)).error).toBeNull()
  await expect(grace.trpc.auth.me.query()).rejects.toMatchObject({ data: { code: 'SESSION_ENDED' } })
  await loggedIn(app, email, second.password)
  expect(app.logLines.join('')).not.toContain(first.token)
  expect(app.logLines.join('')).not.toContain(second.token)
})

it('a user who is disabled, or gets another role, is out on every instance', async () => {
  const key = { GANTRY_SECRET_KEY: randomBytes(32).toString('base64') }
  await using app = await startAppUnderTest(key)
  await using other = await startAppUnderTest({ ...key, GANTRY_ROLES: 'api', DATABASE_URL: app.databaseUrl })
  const { user } = await app.admin.trpc.users.create.mutate({
    ...{ email: 'grace@example.org', role: 'operator', password: PASSWORD },
  })
  for (const change of ['disable', 'update'] as const) {
    const here = await loggedIn(app, user.email)
    const there = callerOf(other.url, here.headers)
    await there.trpc.auth.me.query()
    await (change === 'disable'
      ? app.admin.trpc.users.disable.mutate({ id: user.id })
      : app.admin.trpc.users.update.mutate({ id: user.id, role: 'viewer' }))
    expect((await here.rest('GET', '/api/auth/me')).error?.code).toBe('SESSION_ENDED')
    // By its event, and not only when what is remembered there is a minute old.
    const said = async () => (await there.rest('GET', '/api/auth/me')).error?.code
    await expect.poll(said, { timeout: 10_000 }).toBe('SESSION_ENDED')
    await app.admin.trpc.users.enable.mutate({ id: user.id })
  }
})

it('a user is deleted after an export of all their data, which the admin can take', async () => {
  await using app = await startAppUnderTest()
  const { user } = await app.admin.trpc.users.create.mutate({
    ...{ email: 'grace@example.org', displayName: 'Grace', role: 'operator', password: PASSWORD },
  })
  const grace = await loggedIn(app, user.email)
  await grace.trpc.projects.create.mutate({ name: 'Compiler' })
  const path = `/api/users/${user.id}`
  expect((await app.admin.rest('DELETE', path)).error?.code).toBe('VALIDATION_FAILED')
  const own = await app.admin.trpc.exports.create.mutate({ kind: 'full' })
  expect((await app.admin.rest('DELETE', `${path}?exportId=${own.id}`)).error?.code).toBe('NOT_FOUND')
  const partly = await grace.trpc.exports.create.mutate({ kind: 'projects' })
  const ordered = await app.admin.rest('POST', `${path}/exports`, {})
  const { id: exportId } = ordered.body as DataExport
  const ready = async (id: string) => (await app.admin.rest('GET', `${path}/exports/${id}`)).body as DataExport
  for (const id of [partly.id, exportId]) await expect.poll(async () => (await ready(id)).state, SOON).toBe('ready')
  expect((await app.admin.rest('DELETE', `${path}?exportId=${partly.id}`)).error?.code).toBe('INVALID_STATE')
  const { downloadUrl } = await ready(exportId)
  const file = (await app.nobody.rest('GET', downloadUrl ?? '')).body
  expect(file).toMatchObject({ profile: [{ email: user.email }], projects: [{ name: 'Compiler' }] })
  expect(JSON.stringify(file)).not.toMatch(/argon2/)
  expect((await app.admin.rest('DELETE', `${path}?exportId=${exportId}`)).error).toBeNull()
  expect((await app.admin.rest('GET', path)).error?.code).toBe('NOT_FOUND')
  expect((await grace.rest('GET', '/api/auth/me')).error?.code).toBe('SESSION_ENDED')
  expect((await app.admin.trpc.projects.list.query({})).items).toMatchObject([{ name: 'Compiler' }])
})

it('nobody but admins looks after users, and what is no password is no password over the wire', async () => {
  await using app = await startAppUnderTest()
  const [operator, viewer] = [await app.logInAs('operator'), await app.logInAs('viewer')]
  const { id } = await viewer.trpc.auth.me.query()
  const asked = [
    ['GET', '/api/users', undefined],
    ['GET', `/api/users/${id}`, undefined],
    ['POST', '/api/users', { email: 'x@example.org', role: 'admin' }],
    ['PATCH', `/api/users/${id}`, { role: 'admin' }],
    ['POST', `/api/users/${id}/disable`, {}],
    ['POST', `/api/users/${id}/password-link`, {}],
    ['DELETE', `/api/users/${id}?waiveExport=true`, undefined],
  ] as const
  for (const [method, path, body] of asked) {
    expect((await operator.rest(method, path, body)).error?.code, `${method} ${path}`).toBe('FORBIDDEN')
    expect((await app.nobody.rest(method, path, body)).error?.code, `${method} ${path}`).toBe('UNAUTHENTICATED')
  }
  const changed = await viewer.rest('PATCH', '/api/auth/me', { displayName: 'Vera' })
  expect(changed.body).toMatchObject({ id, displayName: 'Vera', role: 'viewer' })
  expect((await viewer.rest('PATCH', '/api/auth/me', { role: 'admin' })).error?.code).toBe('VALIDATION_FAILED')
  const password = { currentPassword: 'a password for tests', newPassword: '12345678' }
  expect((await viewer.rest('PUT', '/api/auth/me/password', password)).error).toMatchObject({
    ...{ code: 'PASSWORD_REFUSED', params: { reason: 'common' } },
  })
})

it('admins keep each other from nothing by scopes, not even at the same moment', async () => {
  await using app = await startAppUnderTest({ GANTRY_ROLES: 'api' })
  const admins = [app.admin, await app.logInAs('admin')]
  const [first = '', second = ''] = await Promise.all(admins.map(async ({ trpc }) => (await trpc.auth.me.query()).id))
  const narrow = async ({ rest }: Caller, userId: string) => {
    const { error } = await rest('PUT', `/api/users/${userId}/scope`, { printers: { groupIds: [] }, projectIds: null })
    return error?.code ?? 'OK'
  }
  const asked = await app.prisma.$transaction(
    async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM app_user FOR UPDATE`
      const answers = [narrow(app.admin, second), narrow(admins[1]!, first)]
      const waiting = () => tx.$queryRaw`
      SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      await expect.poll(waiting, SOON).toHaveLength(2)
      return answers
    },
    { timeout: 30_000 },
  )
  expect((await Promise.all(asked)).toSorted()).toEqual(['FORBIDDEN', 'OK'])

  const listed = await Promise.all(admins.map(async (admin) => (await admin.rest('GET', '/api/users')).status))
  expect(listed.toSorted()).toEqual([200, 403])
  const last = listed[0] === 200 ? 0 : 1
  const [own, others] = last === 0 ? [first, second] : [second, first]
  const { rest, trpc } = admins[last]!
  expect((await rest('PATCH', `/api/users/${own}`, { role: 'viewer' })).error?.code).toBe('INVALID_STATE')
  expect((await rest('POST', `/api/users/${own}/disable`, {})).error?.code).toBe('INVALID_STATE')
  await trpc.userScopes.set.mutate({ userId: others, printers: null, projectIds: null })
  expect((await rest('PATCH', `/api/users/${own}`, { role: 'viewer' })).status).toBe(200)
})

it('the last admin who sees the whole farm keeps seeing it', async () => {
  await using app = await startAppUnderTest({ GANTRY_ROLES: 'api' })
  const { id: admin } = await app.admin.trpc.auth.me.query()
  const manager = await app.logInAs('viewer')
  const { id: userId } = await manager.trpc.auth.me.query()
  const { id: role } = await app.admin.trpc.roles.create.mutate({ name: 'all', permissions: [...PERMISSIONS] })
  await app.admin.trpc.roles.assign.mutate({ userId, role })
  const narrow = { printers: null, projectIds: [] }
  expect((await manager.rest('PUT', `/api/users/${admin}/scope`, narrow)).error?.code).toBe('INVALID_STATE')
  await app.logInAs('admin')
  expect((await manager.rest('PUT', `/api/users/${admin}/scope`, narrow)).status).toBe(200)
})

it(
  'a reset ends API keys unless they are to go on, a change of the password if that is wanted; admins see them',
  { timeout: 90_000 },
  async () => {
    await using app = await startAppUnderTest({ GANTRY_ROLES: 'api' })
    const ada = await app.logInAs('operator')
    const { id, email } = await ada.trpc.auth.me.query()
    const scopes = ['files.read' as const]
    const newKey = async (by: Caller, password: string) => {
      const { key, id: keyId } = await by.trpc.apiKeys.create.mutate({ password, name: 'key', scopes })
      return {
        keyId,
        use: async () => (await callerOf(app.url, { Authorization: `Bearer ${key}` }).rest('GET', '/api/files')).status,
      }
    }
    const first = await newKey(ada, 'a password for tests')
    expect(await app.admin.trpc.users.apiKeys.query({ id })).toEqual(await ada.trpc.apiKeys.list.query())
    expect((await app.admin.trpc.users.apiKeys.query({ id })).items).toMatchObject([{ id: first.keyId, scopes }])
    expect((await ada.rest('GET', `/api/users/${id}/api-keys`)).error?.code).toBe('FORBIDDEN')

    const change = { currentPassword: 'a password for tests', newPassword: PASSWORD }
    await ada.trpc.auth.changePassword.mutate(change)
    expect(await first.use()).toBe(200)
    await ada.trpc.auth.changePassword.mutate({
      currentPassword: PASSWORD,
      newPassword: 'eight purple lanterns',
      revokeApiKeys: true,
    })
    expect(await first.use()).toBe(401)

    const reset = async (more: object) => {
      const { token } = await app.admin.trpc.users.sendPasswordLink.mutate({ id })
      return app.nobody.rest('PUT', '/api/auth/password-reset', { token, password: PASSWORD, ...more })
    }
    const second = await newKey(ada, 'eight purple lanterns')
    expect((await reset({ revokeApiKeys: false })).error).toBeNull()
    expect(await second.use()).toBe(200)
    expect((await reset({})).error).toBeNull()
    expect([await second.use(), (await app.admin.trpc.users.apiKeys.query({ id })).items]).toEqual([401, []])
    await loggedIn(app, email)
    expect(await app.prisma.event.count({ where: { type: 'api_key.revoked' } })).toBe(2)
  },
)
