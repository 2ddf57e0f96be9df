import { expect, it } from 'vitest'

import { callerOf, startAppUnderTest } from '../../src/testing/app-under-test.js'
import { startMailServer } from '../../src/testing/mail-server.js'

const GRACE = { email: 'Grace@Example.org', password: 'seven purple lanterns', displayName: 'Grace' }

it('somebody registers over REST and over tRPC, may look, and may not act', async () => {
  await using server = await startMailServer()
  await using app = await startAppUnderTest({ REGISTRATION: 'open', SMTP_URL: server.url })
  const { status, body } = await app.nobody.rest('POST', '/api/auth/register', GRACE)
  expect(status).toBe(200)
  expect(body).toMatchObject({ email: 'grace@example.org', displayName: 'Grace', role: 'viewer' })
  expect(JSON.stringify(body)).not.toMatch(/password|argon2/i)
  const { accessToken } = await app.nobody.trpc.auth.login.mutate({ email: GRACE.email, password: GRACE.password })
  const grace = callerOf(app.url, { Authorization: `Bearer ${accessToken}` })
  expect(await grace.trpc.auth.me.query()).toEqual(body)
  expect((await grace.trpc.projects.list.query({})).items).toEqual([])
  expect((await grace.call('mutation', 'projects.create', { name: 'Mine' })).error?.code).toBe('FORBIDDEN')

  const again = await app.nobody.trpc.auth.register.mutate({ ...GRACE, password: 'eight purple lanterns' })
  expect(again).toMatchObject({ email: 'grace@example.org', role: 'viewer' })
  await expect.poll(() => server.mails.length, { timeout: 15_000 }).toBe(1)
  expect(server.mails).toMatchObject([
    { to: ['grace@example.org'], parsed: { subject: 'You have an account already' } },
  ])
})

it('a role that is sent along is no role, and what cannot be used is said by field', async () => {
  await using app = await startAppUnderTest({ REGISTRATION: 'open' })
  const escalated = await app.nobody.rest('POST', '/api/auth/register', { ...GRACE, role: 'admin' })
  expect([escalated.status, escalated.error?.code]).toEqual([400, 'VALIDATION_FAILED'])
  const weak = await app.nobody.rest('POST', '/api/auth/register', { ...GRACE, password: 'iloveyou' })
  expect(weak.status).toBe(400)
  expect(weak.error).toMatchObject({
    code: 'PASSWORD_REFUSED',
    params: { reason: 'common' },
    fields: { password: [expect.stringContaining('tried first') as string] },
  })
  expect(await app.prisma.user.count()).toBe(1)
})

it('nobody registers where it is closed, as it is by default', async () => {
  await using app = await startAppUnderTest()
  const { status, error } = await app.nobody.rest('POST', '/api/auth/register', GRACE)
  expect([status, error?.code]).toEqual([403, 'REGISTRATION_CLOSED'])
})
