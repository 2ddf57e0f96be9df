import { expect, it } from 'vitest'

import { callerOf, PASSWORD, startAppUnderTest } from '../../src/testing/app-under-test.js'

const EMAIL = 'admin@example.org'
const [HOME, OFFICE] = ['203.0.113.7', '2001:db8::7']

/** Refusals are counted before they are written. */
const SOON = { timeout: 30_000, interval: 50 }

const from = (address: string) => ({ 'X-Forwarded-For': address })

const tryToLogIn = async (url: string, address: string, password: string) => {
  const answer = await callerOf(url, from(address)).rest('POST', '/api/auth/login', { email: EMAIL, password })
  return answer.error?.code ?? 'OK'
}

it('failed logins, sessions, the audit log and the log name the client behind a trusted proxy', async () => {
  await using app = await startAppUnderTest({ GANTRY_ROLES: 'api,worker', TRUSTED_PROXIES: 'loopback' })
  const outcomes: string[] = []
  for (let n = 0; n < 6; n += 1) outcomes.push(await tryToLogIn(app.url, HOME, 'wrong'))
  expect(outcomes).toEqual([...Array<string>(5).fill('INVALID_CREDENTIALS'), 'RATE_LIMITED'])
  // Whatever the client says of itself stands in front of what the proxy adds.
  expect(await tryToLogIn(app.url, `198.51.100.1, ${HOME}`, PASSWORD)).toBe('RATE_LIMITED')
  expect(await tryToLogIn(app.url, OFFICE, PASSWORD)).toBe('OK')

  const { items } = await app.admin.trpc.sessions.list.query({})
  expect(items[0]).toMatchObject({ address: OFFICE })
  const addresses = async (outcome: 'done' | 'refused') =>
    (await app.admin.trpc.audit.list.query({ outcome })).items.map(({ ip }) => ip)
  await expect.poll(() => addresses('done'), SOON).toContain(OFFICE)
  await expect.poll(() => addresses('refused'), SOON).toContain(HOME)
  expect(app.logLines.some((line) => (JSON.parse(line) as { ip?: string }).ip === OFFICE)).toBe(true)
})

it('who is no trusted proxy names nobody, and cannot get around the limit on logins', async () => {
  await using app = await startAppUnderTest({ GANTRY_ROLES: 'api', TRUSTED_PROXIES: '10.0.0.0/8' })
  const outcomes: string[] = []
  for (let n = 0; n < 6; n += 1) outcomes.push(await tryToLogIn(app.url, `192.0.2.${n}`, 'wrong'))
  expect(outcomes.at(-1)).toBe('RATE_LIMITED')
  const { items } = await app.admin.trpc.sessions.list.query({})
  expect(items.map(({ address }) => address)).toEqual(['127.0.0.1'])
})

it('no page becomes an allowed one by what a proxy forwards of host and scheme', async () => {
  await using app = await startAppUnderTest({ GANTRY_ROLES: 'api', TRUSTED_PROXIES: 'loopback' })
  const page = { Origin: 'https://evil.example', 'X-Gantry-Session': 'cookie' }
  const claims = {
    ...{ 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '443' },
    Forwarded: 'for=192.0.2.1;host=evil.example;proto=https',
  }
  const credentials = { email: EMAIL, password: PASSWORD }
  const caller = callerOf(app.url, { ...page, ...claims })
  const answer = await caller.rest('POST', '/api/auth/browser-session', credentials)
  expect([answer.status, answer.error?.code]).toEqual([403, 'CROSS_SITE_REFUSED'])
})
