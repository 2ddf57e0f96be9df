import { memoryTokenStore, type GantryApiError } from '@gantry/client'
import { Secret, TOTP } from 'otpauth'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

import { EMAIL, failureOf, PASSWORD, spoil, startSdkBench, type SdkBench } from './sdk-bench.js'

let bench: SdkBench
beforeAll(async () => {
  bench = await startSdkBench()
})
afterAll(() => bench[Symbol.asyncDispose]())
beforeEach(() => {
  bench.proxy.seen.length = 0
  bench.proxy.fault = () => 'pass'
})
afterEach(() => {
  vi.unstubAllGlobals()
})

const refreshes = () => bench.proxy.seen.filter(({ path }) => path === '/trpc/auth.refresh').length
const logins = () => bench.proxy.seen.filter(({ path }) => path === '/trpc/auth.login').length

/** The server no longer knows the session. */
const endSession = async () => {
  await bench.app.prisma.session.updateMany({ data: { revokedAt: new Date() } })
}

describe('a session', () => {
  it('is refreshed once for all calls that were refused at the same time', async () => {
    const tokenStore = memoryTokenStore()
    const gantry = await bench.loggedIn({ tokenStore })
    await spoil(tokenStore)
    const answers = await Promise.all([
      ...Array.from({ length: 10 }, () => gantry.auth.me()),
      gantry.projects.create({ name: 'while refused' }),
      gantry.files.upload(new Blob(['G28\nG1 X1\n']), { name: 'refused.gcode' }),
    ])
    expect(answers).toHaveLength(12)
    expect(refreshes()).toBe(1)
  })

  it('is refreshed before its token expires, without a call being refused', async () => {
    const tokenStore = memoryTokenStore()
    const gantry = await bench.loggedIn({ tokenStore })
    const held = await tokenStore.load()
    expect(held?.refreshAtMs).toBeGreaterThan(Date.now())
    if (held !== null) await tokenStore.save({ ...held, refreshAtMs: Date.now() - 1 })
    await gantry.auth.me()
    expect(bench.proxy.seen.map(({ path }) => path)).toEqual(['/trpc/auth.refresh', '/trpc/auth.me'])
    expect((await tokenStore.load())?.refreshToken).not.toBe(held?.refreshToken)
  })

  it('survives a refresh whose answer gets lost', async () => {
    const tokenStore = memoryTokenStore()
    const gantry = await bench.loggedIn({ tokenStore })
    await spoil(tokenStore)
    bench.proxy.fault = ({ path }) => (path === '/trpc/auth.refresh' && refreshes() === 1 ? 'lose' : 'pass')
    expect((await gantry.auth.me()).email).toBe(EMAIL)
    expect(refreshes()).toBe(2)
    expect((await gantry.auth.me()).email).toBe(EMAIL)
  })

  it('that two tabs share is refreshed by one of them', async () => {
    const tokenStore = { ...memoryTokenStore(), sharedAs: 'shared' }
    let turn = Promise.resolve<unknown>(undefined)
    const request = (_name: string, _options: unknown, work: () => Promise<unknown>) => {
      const mine = turn.then(work)
      turn = mine.catch(() => undefined)
      return mine
    }
    vi.stubGlobal('navigator', { locks: { request } })
    const [one, two] = [await bench.loggedIn({ tokenStore }), bench.client({ tokenStore })]
    await spoil(tokenStore)
    await Promise.all([one.auth.me(), two.auth.me()])
    expect(refreshes()).toBe(1)
  })

  it('that is over is told once, and every call with its reason', async () => {
    const ends: GantryApiError[] = []
    const gantry = await bench.loggedIn({ onSessionEnd: (error) => ends.push(error) })
    await endSession()
    const failures = await Promise.all([gantry.auth.me(), gantry.printers.list()].map(failureOf))
    expect(failures.map(({ code }) => code)).toEqual(['SESSION_ENDED', 'SESSION_ENDED'])
    expect(ends.map(({ code }) => code)).toEqual(['SESSION_ENDED'])
    expect(await gantry.auth.isLoggedIn()).toBe(false)
    expect(await failureOf(gantry.auth.me())).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('is not given up because the server cannot be reached for a while', async () => {
    const tokenStore = memoryTokenStore()
    const onSessionEnd = vi.fn()
    const gantry = await bench.loggedIn({ tokenStore, onSessionEnd })
    await spoil(tokenStore)
    bench.proxy.fault = ({ path }) =>
      path === '/trpc/auth.refresh' ? { status: 503, contentType: 'text/html', text: 'starting' } : 'pass'
    expect(await failureOf(gantry.auth.me())).toMatchObject({ code: 'BAD_RESPONSE', status: 503 })
    bench.proxy.fault = () => 'pass'
    expect((await gantry.auth.me()).email).toBe(EMAIL)
    expect(onSessionEnd).not.toHaveBeenCalled()
  })

  it('begins and begins again by itself with a password', async () => {
    const onSessionEnd = vi.fn()
    const tokenStore = memoryTokenStore()
    const gantry = bench.client({ email: EMAIL, password: PASSWORD, onSessionEnd, tokenStore })
    expect(await Promise.all([gantry.auth.me(), gantry.auth.me()])).toHaveLength(2)
    expect(logins()).toBe(1)
    await endSession()
    await spoil(tokenStore)
    expect((await gantry.auth.me()).email).toBe(EMAIL)
    expect([logins(), onSessionEnd.mock.calls.length]).toEqual([2, 0])
  })

  it('ends by logging out, on the server too, and here even when the server is away', async () => {
    const tokenStore = memoryTokenStore()
    const gantry = await bench.loggedIn({ tokenStore })
    const held = await tokenStore.load()
    await gantry.auth.logout()
    expect([await gantry.auth.isLoggedIn(), await tokenStore.load()]).toEqual([false, null])
    if (held !== null) await tokenStore.save(held)
    expect(await failureOf(gantry.auth.me())).toMatchObject({ code: 'SESSION_ENDED' })

    const other = await bench.loggedIn()
    bench.proxy.fault = () => 'lose'
    expect(await failureOf(other.auth.logout())).toMatchObject({ code: 'NETWORK' })
    expect(await other.auth.isLoggedIn()).toBe(false)
  })
})

describe('a login with a second factor', () => {
  it('is told to bring a code, and brings it', async () => {
    const gantry = await bench.loggedIn()
    const { secret } = await gantry.secondFactor.begin({ password: PASSWORD })
    const totp = new TOTP({ secret: Secret.fromBase32(secret) })
    const { recoveryCodes } = await gantry.secondFactor.confirm({ code: totp.generate() })
    try {
      const other = bench.client()
      expect(await failureOf(other.auth.login(EMAIL, PASSWORD))).toMatchObject({ code: 'SECOND_FACTOR_REQUIRED' })
      expect(await other.auth.isLoggedIn()).toBe(false)
      const code = totp.generate({ timestamp: Date.now() + 30_000 })
      expect((await other.auth.login(EMAIL, PASSWORD, { code })).email).toBe(EMAIL)
      expect(await other.secondFactor.get()).toEqual({ enabled: true, recoveryCodesLeft: 10 })
    } finally {
      await gantry.secondFactor.remove({ password: PASSWORD, code: recoveryCodes[0] ?? '' })
    }
  })
})
