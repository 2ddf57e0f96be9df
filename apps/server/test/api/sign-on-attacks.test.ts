import { afterEach, describe, expect, it } from 'vitest'

import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { type Browser } from '../../src/testing/browser.js'
import type { TestIdentityProvider } from '../../src/testing/identity-provider.js'
import {
  ACCESS,
  app,
  APP,
  browserOf,
  CALLBACK,
  errorIn,
  forgiven,
  onStage,
  provider,
  settings,
  SIGN_ON,
  signOn,
  SITE,
  START,
  wayBack,
} from './sign-on-stage.js'

onStage()

describe('a way back that does not fit', () => {
  const failure = async (browser: Browser, back: string) => {
    const page = await browser.open(back)
    return [page.status, /[A-Z_]{8,}/.exec(page.body)?.[0], browser.cookie(SITE, ACCESS)]
  }
  const refused = [401, 'SIGN_ON_FAILED', undefined]
  afterEach(forgiven)

  it('in a browser that did not begin is refused', async () => {
    const back = await wayBack(browserOf())
    expect(await failure(browserOf(), back)).toEqual(refused)
  })

  it('with the state of another sign-on is refused', async () => {
    const [one, other] = [browserOf(), browserOf()]
    const back = await wayBack(one)
    await wayBack(other)
    expect(await failure(other, back)).toEqual(refused)
  })

  it('that came before is refused, also with its cookie', async () => {
    const browser = browserOf()
    const back = await wayBack(browser)
    const kept = browser.cookie(SITE, SIGN_ON)!
    expect((await browser.open(back)).status).toBe(200)
    const again = browserOf()
    again.cookies.set(SITE, new Map([[SIGN_ON, kept]]))
    expect(await failure(again, back)).toEqual(refused)
  })

  it('with a code that was used is refused', async () => {
    const [first, second] = [browserOf(), browserOf()]
    const used = new URL(await wayBack(first))
    expect((await first.open(used.href)).status).toBe(200)
    const back = new URL(await wayBack(second))
    back.searchParams.set('code', used.searchParams.get('code')!)
    expect(await failure(second, back.href)).toEqual(refused)
  })

  it.each([
    ['of another issuer', 'iss', 'https://evil.example'],
    ['with a code of nobody', 'code', 'x'.repeat(43)],
  ])('%s is refused', async (_title, name, value) => {
    const browser = browserOf()
    const back = new URL(await wayBack(browser))
    back.searchParams.set(name, value)
    expect(await failure(browser, back.href)).toEqual(refused)
  })

  it('with a changed cookie is refused', async () => {
    const browser = browserOf()
    const back = await wayBack(browser)
    const jar = browser.cookies.get(SITE)!
    jar.set(SIGN_ON, `${jar.get(SIGN_ON)!.slice(0, -2)}xx`)
    expect(await failure(browser, back)).toEqual(refused)
  })
})

describe('an ID token', () => {
  afterEach(forgiven)
  const nobodyIn = async (forge: NonNullable<TestIdentityProvider['forge']>) => {
    provider.forge = forge
    const browser = browserOf()
    expect(errorIn(await signOn(browser, '?return_to=/done'))).toEqual(['SIGN_ON_FAILED', 'invalid'])
    expect(browser.cookie(SITE, ACCESS)).toBeUndefined()
  }

  it('is believed as the provider signed it, when nothing is changed', async () => {
    provider.forge = (claims) => ({ claims })
    expect((await signOn()).status).toBe(200)
  })
  it('that another key signed is not', () => nobodyIn((claims) => ({ claims, withOtherKey: true })))
  it('with another nonce is not', () => nobodyIn((claims) => ({ claims: { ...claims, nonce: 'another' } })))
  it('for another client is not', () => nobodyIn((claims) => ({ claims: { ...claims, aud: 'another' } })))
  it('of another issuer is not', () => nobodyIn((claims) => ({ claims: { ...claims, iss: 'https://evil.example' } })))
  it('that has expired is not', () => nobodyIn((claims) => ({ claims: { ...claims, iat: 1, exp: 2 } })))
})

describe('the page at the end', () => {
  it.each(['/', '/board?tab=1#x', APP, `${APP}/board`, `${SITE}/board`])('may be %s', async (to) => {
    const page = await browserOf().open(`${START}?return_to=${encodeURIComponent(to)}`)
    expect(page.status).toBe(303)
  })

  it.each([
    ...['https://evil.example', '//evil.example', '/\\evil.example', '\\/evil.example', 'javascript:alert(1)'],
    ...['https://app.example.org.evil.example', 'https://app.example.org@evil.example', 'http://127.0.0.1:9/', ''],
    ...['https://user@app.example.org/', '/\t/evil.example', 'board', 'http:evil.example', `/${'x'.repeat(2_000)}`],
  ])('may not be %j', async (to) => {
    const page = await browserOf(app, 'application/json').open(`${START}?return_to=${encodeURIComponent(to)}`)
    expect([page.status, page.location]).toEqual([400, null])
    expect(page.body).toContain('VALIDATION_FAILED')
    expect(provider.requests).toEqual([])
  })
})

describe('a provider that', () => {
  const fresh = () => startAppUnderTest({ ...settings(), GANTRY_ROLES: 'api' })
  const outcome = async (of: AppUnderTest) => {
    const page = await browserOf(of, 'application/json').open(START)
    const { error } = JSON.parse(page.body) as { error: { code: string; params: unknown; retryable: boolean } }
    return [page.status, error.code, error.params, error.retryable]
  }
  const away = [503, 'UNAVAILABLE', { reason: 'identity_provider' }, true]

  it.each(['away', 'nonsense'] as const)(
    'is %s lets Gantry start and passwords log in, and is asked again',
    async (state) => {
      provider.state = state
      // That the admin has logged in is part of it.
      await using of = await fresh()
      expect(await outcome(of)).toEqual(away)
      provider.state = 'well'
      await expect.poll(async () => (await browserOf(of).open(START)).status, { timeout: 8_000 }).toBe(303)
    },
  )

  it('hangs is given up after five seconds', async () => {
    provider.state = 'hangs'
    await using of = await fresh()
    const began = performance.now()
    expect(await outcome(of)).toEqual(away)
    expect(performance.now() - began).toBeLessThan(8_000)
  }, 30_000)

  it('goes away in the middle is no fault of whoever signs on', async () => {
    const browser = browserOf()
    const back = await wayBack(browser, '?return_to=/done')
    provider.state = 'away'
    expect(errorIn(await browser.open(back))).toEqual(['UNAVAILABLE', 'identity_provider'])
  })
})

describe('wrong ways back', () => {
  it('are limited as logins are', async () => {
    await using of = await startAppUnderTest({ ...settings(), GANTRY_ROLES: 'api' })
    const answers: number[] = []
    for (let time = 0; time < 6; time += 1)
      answers.push((await browserOf(of).open(`${CALLBACK}?state=x&code=y`)).status)
    // Without Redis every process counts by half of the limits.
    expect(answers).toEqual([401, 401, 401, 401, 401, 429])
  })
})
