import type { UserSession } from '@gantry/schemas'
import { expect, it } from 'vitest'

import { callerOf, PASSWORD, startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { untilOneWaitsForLock } from '../../src/testing/open-database.js'

const EMAIL = 'grace@example.org'

const loggedIn = async ({ url }: AppUnderTest, device: string) => {
  const headers = { 'User-Agent': device }
  const { accessToken, refreshToken } = await callerOf(url, headers).trpc.auth.login.mutate({
    ...{ email: EMAIL, password: PASSWORD },
  })
  return { ...callerOf(url, { ...headers, Authorization: `Bearer ${accessToken}` }), refreshToken }
}

const withGrace = async () => {
  const app = await startAppUnderTest({ GANTRY_ROLES: 'api' })
  const { user } = await app.admin.trpc.users.create.mutate({ email: EMAIL, role: 'viewer', password: PASSWORD })
  const laptop = await loggedIn(app, 'laptop')
  const phone = await loggedIn(app, 'phone')
  const tablet = await loggedIn(app, 'tablet')
  return { app, user, laptop, phone, tablet, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() }
}

const devices = (items: UserSession[]) => items.map(({ device }) => device)

it('one sees where one is logged in, ends one login and then all others, and what is ended is ended at once', async () => {
  await using house = await withGrace()
  const { app, laptop, phone, tablet } = house
  const { items } = await laptop.trpc.sessions.list.query({})
  expect(devices(items)).toEqual(['tablet', 'phone', 'laptop'])
  expect(items.map(({ isCurrent }) => isCurrent)).toEqual([false, false, true])
  expect(items[0]).toMatchObject({ address: '127.0.0.1', createdAt: expect.any(Date) as Date })
  expect(JSON.stringify(items)).not.toMatch(/token|hash/i)
  const page = await laptop.trpc.sessions.list.query({ limit: 2 })
  const rest = await laptop.trpc.sessions.list.query({ limit: 2, cursor: page.nextCursor! })
  expect(devices([...page.items, ...rest.items])).toEqual(devices(items))

  await phone.trpc.auth.me.query()
  const path = `/api/sessions/${items[1]!.id}`
  expect((await laptop.rest('DELETE', path)).error).toBeNull()
  expect((await phone.rest('GET', '/api/auth/me')).error?.code).toBe('SESSION_ENDED')
  const renewing = app.nobody.trpc.auth.refresh.mutate({ refreshToken: phone.refreshToken })
  await expect(renewing).rejects.toMatchObject({ data: { code: 'SESSION_ENDED' } })
  expect((await laptop.rest('DELETE', path)).error?.code).toBe('NOT_FOUND')

  expect((await laptop.rest('DELETE', '/api/sessions')).body).toEqual({ ended: 1 })
  expect((await tablet.rest('GET', '/api/auth/me')).error?.code).toBe('SESSION_ENDED')
  expect(devices((await laptop.trpc.sessions.list.query({})).items)).toEqual(['laptop'])
  expect(await app.prisma.session.count({ where: { revokedReason: 'revoked' } })).toBe(2)
})

it('an admin sees and ends the logins of a user; others reach none that is not their own', async () => {
  await using house = await withGrace()
  const { app, user, laptop, phone } = house
  const path = `/api/users/${user.id}/sessions`
  const { items } = await app.admin.trpc.users.sessions.query({ id: user.id })
  expect(items.map(({ device, isCurrent }) => [device, isCurrent])).toEqual([
    ['tablet', false],
    ['phone', false],
    ['laptop', false],
  ])
  const [own] = (await app.admin.trpc.sessions.list.query({})).items
  expect((await laptop.rest('DELETE', `/api/sessions/${own!.id}`)).error?.code).toBe('NOT_FOUND')
  expect((await laptop.rest('GET', path)).error?.code).toBe('FORBIDDEN')
  expect((await laptop.rest('DELETE', path)).error?.code).toBe('FORBIDDEN')
  expect((await app.admin.rest('DELETE', `${path}/${own!.id}`)).error?.code).toBe('NOT_FOUND')
  expect((await app.admin.rest('DELETE', `${path}/${items[1]!.id}`)).error).toBeNull()
  expect((await phone.rest('GET', '/api/auth/me')).error?.code).toBe('SESSION_ENDED')
  expect((await app.admin.rest('DELETE', path)).body).toEqual({ ended: 2 })
  expect((await laptop.rest('GET', '/api/auth/me')).error?.code).toBe('SESSION_ENDED')
  expect((await app.admin.rest('GET', '/api/auth/me')).error).toBeNull()
  await app.prisma.user.delete({ where: { id: user.id } })
  expect((await app.admin.rest('GET', path)).error?.code).toBe('NOT_FOUND')
})

it('a session ends after so many days, however much it is used', { timeout: 90_000 }, async () => {
  await using house = await withGrace()
  const { app, phone, user } = house
  const DAY_MS = 86_400_000
  const begunAt = new Date(Date.now() - 89.5 * DAY_MS)
  await app.prisma.session.updateMany({ where: { userId: user.id }, data: { createdAt: begunAt } })
  const renew = (refreshToken: string) => app.nobody.trpc.auth.refresh.mutate({ refreshToken })
  const { refreshToken, refreshTokenExpiresAt } = await renew(phone.refreshToken)
  expect(refreshTokenExpiresAt.getTime()).toBe(begunAt.getTime() + 90 * DAY_MS)
  const { expiresAt } = await app.prisma.session.findFirstOrThrow({ orderBy: { lastUsedAt: 'desc' } })
  expect(expiresAt).toEqual(refreshTokenExpiresAt)
  await app.prisma.session.updateMany({
    where: { userId: user.id },
    data: { createdAt: new Date(Date.now() - 90 * DAY_MS) },
  })
  await expect(renew(refreshToken)).rejects.toMatchObject({ data: { code: 'SESSION_ENDED' } })
})

it('an API key is not made by a password that has changed while it was looked at', { timeout: 90_000 }, async () => {
  await using house = await withGrace()
  const { app, laptop, user } = house
  const asked = await app.prisma.$transaction(
    async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM app_user WHERE id = ${user.id} FOR UPDATE`
      const made = laptop.rest('POST', '/api/api-keys', { password: PASSWORD, name: 'key', scopes: ['files.read'] })
      await untilOneWaitsForLock(app.prisma)
      await tx.user.update({ where: { id: user.id }, data: { passwordHash: 'another' } })
      return [made]
    },
    { timeout: 20_000 },
  )
  expect((await asked[0]!).error?.code).toBe('INVALID_CREDENTIALS')
  expect(await app.prisma.apiKey.count()).toBe(0)
})
