import { createGantryClient, type GantryApiError, type GantryClientOptions } from '@gantry/client'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

import { EMAIL, failureOf, PASSWORD, startSdkBench, type SdkBench } from './sdk-bench.js'

const PAGE = 'https://app.example.org'
const [ACCESS, REFRESH] = ['__Host-gantry-access', '__Host-gantry-refresh']

let bench: SdkBench
beforeAll(async () => {
  bench = await startSdkBench({ CORS_ORIGINS: PAGE })
})
afterAll(() => bench[Symbol.asyncDispose]())
beforeEach(() => {
  bench.proxy.seen.length = 0
})

/** As much of a browser as keeps cookies: the tabs of a page share its jar. */
class Browser {
  readonly jar = new Map<string, string>()

  constructor(private readonly origin = PAGE) {}

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers)
    headers.set('Origin', this.origin)
    if (init.credentials === 'include' && this.jar.size > 0) {
      headers.set('Cookie', [...this.jar].map(([name, value]) => `${name}=${value}`).join('; '))
    }
    const response = await fetch(url, { ...init, headers })
    for (const cookie of response.headers.getSetCookie()) this.keep(cookie)
    return response
  }

  tab(options: Partial<GantryClientOptions> = {}) {
    const { fetch } = this
    return createGantryClient({
      ...{ url: bench.proxy.url, session: 'cookie', fetch },
      ...{ retry: { delayMs: 10, maxDelayMs: 100 }, reconnect: { delayMs: 20, maxDelayMs: 200 } },
      ...options,
    })
  }

  private keep(cookie: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
    if (cookie.includes('Max-Age=0;')) this.jar.delete(name)
    else this.jar.set(name, value)
  }
}

const paths = () => bench.proxy.seen.map(({ path }) => path.replace('/trpc/', ''))

describe('a session in cookies', () => {
  it('calls, uploads and listens without the client ever seeing a token', async () => {
    const browser = new Browser()
    const gantry = browser.tab()
    expect((await gantry.auth.login(EMAIL, PASSWORD)).email).toBe(EMAIL)
    expect([...browser.jar.keys()]).toEqual([ACCESS, REFRESH])
    expect((await gantry.auth.me()).email).toBe(EMAIL)
    await gantry.projects.create({ name: 'By cookie' })
    const file = await gantry.files.upload(new Blob(['G28\nG1 X1\n']), { name: 'cookie.gcode' })
    expect(await (await gantry.files.download(file.id)).bytes()).toHaveLength(10)
    for await (const { type } of gantry.alarms.onChange.iterate({})) {
      expect(type).toBe('snapshot')
      break
    }
    expect(bench.proxy.seen.filter(({ authorization }) => authorization !== undefined)).toEqual([])
  })

  it('is renewed once for all calls that were refused at the same time', async () => {
    const browser = new Browser()
    const gantry = browser.tab()
    await gantry.auth.login(EMAIL, PASSWORD)
    browser.jar.delete(ACCESS)
    await Promise.all([gantry.auth.me(), gantry.printers.list(), gantry.projects.create({ name: 'Renewed' })])
    expect(paths().filter((path) => path === 'auth.renewBrowserSession')).toHaveLength(1)
  })

  it('outlives the page, and is shared by its tabs', async () => {
    const browser = new Browser()
    expect(await browser.tab().auth.isLoggedIn()).toBe(false)
    await browser.tab().auth.login(EMAIL, PASSWORD)
    const later = browser.tab()
    expect((await later.auth.me()).email).toBe(EMAIL)
    expect(await later.auth.isLoggedIn()).toBe(true)
    expect((await browser.tab().auth.me()).email).toBe(EMAIL)
  })

  it('that is over is told once, with its reason', async () => {
    const browser = new Browser()
    const ends: GantryApiError[] = []
    const gantry = browser.tab({ onSessionEnd: (error) => ends.push(error) })
    await gantry.auth.login(EMAIL, PASSWORD)
    await bench.app.prisma.session.updateMany({ data: { revokedAt: new Date() } })
    browser.jar.delete(ACCESS)
    const failures = await Promise.all([gantry.auth.me(), gantry.printers.list()].map(failureOf))
    expect(failures.map(({ code }) => code)).toEqual(['SESSION_ENDED', 'SESSION_ENDED'])
    expect(ends.map(({ code }) => code)).toEqual(['SESSION_ENDED'])
    expect([browser.jar.size, await gantry.auth.isLoggedIn()]).toEqual([0, false])
    expect(await failureOf(gantry.auth.me())).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('begins by itself with a password, and again when it is over', async () => {
    const browser = new Browser()
    const onSessionEnd = vi.fn()
    const gantry = browser.tab({ email: EMAIL, password: PASSWORD, onSessionEnd })
    expect((await gantry.auth.me()).email).toBe(EMAIL)
    browser.jar.clear()
    expect((await gantry.auth.me()).email).toBe(EMAIL)
    expect(onSessionEnd).not.toHaveBeenCalled()
  })

  it('ends by logging out, and takes the cookies away', async () => {
    const browser = new Browser()
    const gantry = browser.tab()
    await gantry.auth.login(EMAIL, PASSWORD)
    await gantry.auth.logout()
    expect([browser.jar.size, await gantry.auth.isLoggedIn()]).toEqual([0, false])
  })

  it('is not begun on a page that is not allowed', async () => {
    const browser = new Browser('https://evil.example')
    const failure = await failureOf(browser.tab().auth.login(EMAIL, PASSWORD))
    expect(failure).toMatchObject({ code: 'CROSS_SITE_REFUSED', status: 403, params: { missing: 'origin' } })
    expect(browser.jar.size).toBe(0)
  })
})
