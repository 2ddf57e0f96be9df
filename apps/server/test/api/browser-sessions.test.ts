import type { ErrorBody } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { PASSWORD, startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { openLiveEvents } from '../../src/testing/live-events.js'

const EMAIL = 'admin@example.org'
const PAGE = 'https://app.example.org'
const EVIL = 'https://evil.example'
const [ACCESS, REFRESH] = ['__Host-gantry-access', '__Host-gantry-refresh']

let app: AppUnderTest

beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_ROLES: 'api', CORS_ORIGINS: PAGE })
})
afterAll(() => app[Symbol.asyncDispose]())

type Headed = Record<string, string>

interface Answered {
  status: number
  body: unknown
  /** By name; those that are taken away are empty. */
  cookies: Map<string, string>
  headers: Headers
}

const FROM_PAGE: Headed = { Origin: PAGE, 'X-Gantry-Session': 'cookie' }

const send = async (method: string, path: string, headers: Headed, body?: unknown): Promise<Answered> => {
  const response = await fetch(app.url + path, {
    ...{ method, headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers } },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  const pairs = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]!.split('=') as [string, string])
  return {
    ...{ status: response.status, body: isJson ? JSON.parse(text) : text },
    ...{ cookies: new Map(pairs), headers: response.headers },
  }
}

const LOGIN = { email: EMAIL, password: PASSWORD }
const logIn = () => send('POST', '/api/auth/browser-session', FROM_PAGE, LOGIN)

const jar = (cookies: Map<string, string>, ...names: string[]) =>
  names.map((name) => `${name}=${cookies.get(name) ?? ''}`).join('; ')

/** What the page of somebody who is logged in sends. */
const loggedIn = async (): Promise<Headed> => ({
  ...FROM_PAGE,
  Cookie: jar((await logIn()).cookies, ACCESS, REFRESH),
})

const without = (headers: Headed, ...names: string[]): Headed =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)))

const errorOf = ({ body }: Answered): ErrorBody => {
  const { error } = body as { error: ErrorBody | { json: { data: ErrorBody } } }
  return 'json' in error ? error.json.data : error
}
const refusal = (answer: Answered) => [answer.status, errorOf(answer).code, errorOf(answer).params['missing']]

describe('a login of a browser', () => {
  it('puts both tokens into cookies that no script, no sibling host and no other site gets, and into nothing else', async () => {
    const answer = await logIn()
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        ...{ accessTokenExpiresAt: expect.any(String) as string, refreshTokenExpiresAt: expect.any(String) as string },
        user: expect.objectContaining({ email: EMAIL }) as object,
      },
    ])
    const cookies = answer.headers.getSetCookie()
    expect(cookies.map((cookie) => cookie.replace(/=[^;]+; Max-Age=\d+/, ''))).toEqual([
      `${ACCESS}; Path=/; HttpOnly; Secure; SameSite=Strict`,
      `${REFRESH}; Path=/; HttpOnly; Secure; SameSite=Strict`,
    ])
    for (const token of answer.cookies.values()) expect(JSON.stringify(answer.body)).not.toContain(token)
  })

  it('ends with its tokens: each cookie lives as long as what is in it', async () => {
    const { body, headers } = await logIn()
    const ages = headers.getSetCookie().map((cookie) => Number(/Max-Age=(\d+)/.exec(cookie)?.[1]))
    const { accessTokenExpiresAt, refreshTokenExpiresAt } = body as Record<string, string>
    const left = [accessTokenExpiresAt, refreshTokenExpiresAt].map((at) => (Date.parse(at!) - Date.now()) / 1_000)
    for (const [n, age] of ages.entries()) expect(Math.abs(age - left[n]!)).toBeLessThan(30)
  })

  it('is refused to whoever comes from a foreign page, or without the header', async () => {
    const login = async (headers: Headed) => refusal(await send('POST', '/api/auth/browser-session', headers, LOGIN))
    expect(await login({ ...FROM_PAGE, Origin: EVIL })).toEqual([403, 'CROSS_SITE_REFUSED', 'origin'])
    expect(await login({ 'X-Gantry-Session': 'cookie' })).toEqual([403, 'CROSS_SITE_REFUSED', 'origin'])
    expect(await login({ Origin: PAGE })).toEqual([403, 'CROSS_SITE_REFUSED', 'header'])
  })

  it('goes by tRPC as well, and not in an answer whose head is sent before', async () => {
    const call = (headers: Headed) =>
      send('POST', '/trpc/auth.beginBrowserSession', { ...FROM_PAGE, ...headers }, { json: LOGIN })
    const answer = await call({})
    expect([answer.status, [...answer.cookies.keys()]]).toEqual([200, [ACCESS, REFRESH]])
    expect(JSON.stringify(answer.body)).not.toContain(answer.cookies.get(REFRESH))
    const streamed = await call({ 'trpc-accept': 'application/jsonl' })
    expect(streamed.cookies.size).toBe(0)
    expect(JSON.stringify(streamed.body)).toContain('VALIDATION_FAILED')
  })

  it('with a wrong password sets nothing', async () => {
    const answer = await send('POST', '/api/auth/browser-session', FROM_PAGE, { ...LOGIN, password: 'not this one' })
    expect([answer.status, errorOf(answer).code, answer.cookies.size]).toEqual([401, 'INVALID_CREDENTIALS', 0])
  })
})

describe('a session by cookie', () => {
  let as: Headed
  beforeAll(async () => {
    as = await loggedIn()
  })
  const create = (headers: Headed, body: unknown = { name: 'By cookie' }) =>
    send('POST', '/api/projects', headers, body)

  it('reads and changes from an allowed page with the header, by REST and by tRPC', async () => {
    expect((await send('GET', '/api/auth/me', as)).body).toMatchObject({ email: EMAIL })
    expect((await create(as)).status).toBe(200)
    const mutation = await send('POST', '/trpc/projects.create', as, { json: { name: 'By cookie' } })
    expect(mutation.status).toBe(200)
  })

  it('changes nothing without the header', async () => {
    const before = await app.prisma.project.count()
    const plain = without(as, 'X-Gantry-Session')
    expect(refusal(await create(plain))).toEqual([403, 'CROSS_SITE_REFUSED', 'header'])
    expect(refusal(await create({ ...as, 'X-Gantry-Session': 'yes' }))).toEqual([403, 'CROSS_SITE_REFUSED', 'header'])
    expect(refusal(await send('POST', '/trpc/projects.create', plain, { json: { name: 'No' } }))).toEqual([
      ...[403, 'CROSS_SITE_REFUSED', 'header'],
    ])
    expect(await app.prisma.project.count()).toBe(before)
  })

  it.each([EVIL, 'null', `${PAGE}.evil.example`, `${PAGE}:8443`, 'http://app.example.org', ''])(
    'changes and reads nothing from the origin %j',
    async (Origin) => {
      const foreign = { ...as, Origin }
      expect(refusal(await create(foreign))).toEqual([403, 'CROSS_SITE_REFUSED', 'origin'])
      expect(refusal(await send('GET', '/api/projects', foreign))).toEqual([403, 'CROSS_SITE_REFUSED', 'origin'])
      const upload = { ...foreign, 'Content-Type': 'application/octet-stream' }
      expect((await send('POST', '/api/files?name=a.gcode', upload, 'G28\nG1 X1\n')).status).toBe(403)
    },
  )

  it('believes what the browser says of the page where it says so', async () => {
    const own = { ...as, Origin: 'https://gantry.test' }
    expect((await create({ ...own, 'Sec-Fetch-Site': 'same-origin' })).status).toBe(200)
    expect((await create({ ...own, 'Sec-Fetch-Site': 'same-site' })).status).toBe(403)
    expect((await create({ ...as, Origin: app.url })).status).toBe(200)
    expect((await create({ ...as, Origin: app.url, 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403)
  })

  it.each([
    ['same-origin', 200],
    ['none', 200],
    ['same-site', 403],
    ['cross-site', 403],
  ])('is read without an Origin when the browser says that the page is %s: %i', async (site, status) => {
    const { Cookie = '' } = as
    const answer = await send('GET', '/api/projects', { Cookie, 'Sec-Fetch-Site': site })
    expect(answer.status).toBe(status)
  })

  it('is not read when nothing speaks for the page', async () => {
    const { Cookie = '' } = as
    expect(refusal(await send('GET', '/api/projects', { Cookie }))).toEqual([403, 'CROSS_SITE_REFUSED', 'origin'])
    expect((await send('GET', '/api/projects', { Cookie, 'X-Gantry-Session': 'cookie' })).status).toBe(200)
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
  ])('takes no %s for JSON', async (type) => {
    for (const path of ['/api/projects', '/trpc/projects.create']) {
      const answer = await send('POST', path, { ...as, 'Content-Type': type }, JSON.stringify({ name: 'Plain' }))
      expect([answer.status, errorOf(answer).code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
    }
  })

  it('uploads files', async () => {
    const upload = { ...as, 'Content-Type': 'application/octet-stream' }
    expect((await send('POST', '/api/files?name=a.gcode', upload, 'G28\nG1 X1\n')).status).toBe(201)
  })

  it('is as good as nobody when its token is worth nothing, so that one can log in anew', async () => {
    const stale = { ...FROM_PAGE, Cookie: `${ACCESS}=worthless; ${REFRESH}=worthless` }
    expect((await send('POST', '/api/auth/browser-session', stale, LOGIN)).status).toBe(200)
    const answer = await send('GET', '/api/projects', stale)
    expect([answer.status, errorOf(answer).code]).toEqual([401, 'UNAUTHENTICATED'])
  })

  it('gives way to an Authorization header, be that right or wrong', async () => {
    const { Authorization = '' } = app.admin.headers
    const { Cookie = '' } = as
    // No page: whoever can set this header is no browser that was tricked.
    const right = { Authorization, Cookie: `${ACCESS}=worthless` }
    expect((await send('GET', '/api/auth/me', right)).status).toBe(200)
    expect((await send('GET', '/api/auth/me', { ...as, Cookie, Authorization: 'Bearer wrong' })).status).toBe(401)
  })

  it('opens what is for admins outside of the procedures, to allowed pages', async () => {
    expect((await send('GET', '/health/detailed', as)).status).toBe(200)
    expect((await send('GET', '/health/detailed', { ...as, Origin: EVIL })).status).toBe(403)
    expect((await send('GET', '/health', { ...as, Origin: EVIL })).status).toBe(200)
  })

  it('is let in for reading by CORS only on listed origins', async () => {
    const allowed = (await send('GET', '/api/projects', as)).headers
    expect([allowed.get('access-control-allow-origin'), allowed.get('access-control-allow-credentials')]).toEqual([
      ...[PAGE, 'true'],
    ])
    const foreign = (await send('GET', '/api/projects', { ...as, Origin: EVIL })).headers
    expect([foreign.get('access-control-allow-origin'), foreign.get('access-control-allow-credentials')]).toEqual([
      ...[null, null],
    ])
    const preflight = (Origin: string) =>
      fetch(`${app.url}/trpc/projects.create`, {
        method: 'OPTIONS',
        headers: {
          Origin,
          'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'x-gantry-session',
        },
      })
    expect((await preflight(PAGE)).headers.get('access-control-allow-headers')).toContain('X-Gantry-Session')
    expect((await preflight(EVIL)).headers.get('access-control-allow-headers')).toBeNull()
  })
})

describe('cookies that no browser of ours would send', () => {
  it('are refused when two of one name differ, and not when they are the same', async () => {
    const { cookies } = await logIn()
    const token = cookies.get(ACCESS) ?? ''
    const me = (Cookie: string) => send('GET', '/api/auth/me', { ...FROM_PAGE, Cookie })
    expect((await me(`${ACCESS}=${token}; ${ACCESS}=tossed`)).status).toBe(401)
    expect((await me(`${ACCESS}=tossed; a=b; ${ACCESS}=${token}`)).status).toBe(401)
    expect((await me(`${ACCESS}=${token}; ${ACCESS}=${token}`)).status).toBe(200)
    expect((await me(`x${ACCESS}=tossed; ${ACCESS}=${token}; ${ACCESS}x=tossed`)).status).toBe(200)
    // Cookies without the prefix are of clients of old and not for here.
    expect((await me(`access_token=${token}`)).status).toBe(401)
  })

  it('are refused when they are long', async () => {
    const me = (value: string) => send('GET', '/api/auth/me', { ...FROM_PAGE, Cookie: `${ACCESS}=${value}` })
    expect((await me('x'.repeat(5_000))).status).toBe(401)
    expect((await me('x'.repeat(30_000))).status).toBe(401)
    expect((await me('x'.repeat(40_000))).status).toBe(431)
    const many = Array.from({ length: 2_000 }, (_, n) => `c${n}=v`).join('; ')
    expect((await send('GET', '/api/auth/me', { ...FROM_PAGE, Cookie: many })).status).toBe(401)
  })

  it.each([`${ACCESS}=`, ACCESS, `=${ACCESS}`, `${ACCESS}=%00%ff%`, `${ACCESS}="; Path=/`, ';;;=;'])(
    'are nobody: %j',
    async (Cookie) => {
      expect((await send('GET', '/api/auth/me', { ...FROM_PAGE, Cookie })).status).toBe(401)
    },
  )
})

describe('renewing', () => {
  const renew = (headers: Headed) => send('POST', '/api/auth/browser-session/renew', headers)

  it('changes both cookies, also when the access token is gone, and the old refresh token works no more', async () => {
    const { cookies } = await logIn()
    const first = await renew({ ...FROM_PAGE, Cookie: jar(cookies, REFRESH) })
    expect([first.status, Object.keys(first.body as object).sort()]).toEqual([
      ...[200, ['accessTokenExpiresAt', 'refreshTokenExpiresAt']],
    ])
    const as = { ...FROM_PAGE, Cookie: jar(first.cookies, ACCESS, REFRESH) }
    expect((await send('GET', '/api/auth/me', as)).status).toBe(200)
    expect((await renew(as)).status).toBe(200)
    const reused = await renew({ ...FROM_PAGE, Cookie: jar(cookies, REFRESH) })
    expect([reused.status, errorOf(reused).code]).toEqual([401, 'SESSION_ENDED'])
    expect([...reused.cookies]).toEqual([
      ...[
        [ACCESS, ''],
        [REFRESH, ''],
      ],
    ])
  })

  it('is refused to foreign pages, and without the header', async () => {
    const { Cookie = '' } = await loggedIn()
    expect(refusal(await renew({ ...FROM_PAGE, Cookie, Origin: EVIL }))).toEqual([403, 'CROSS_SITE_REFUSED', 'origin'])
    expect(refusal(await renew({ Origin: PAGE, Cookie }))).toEqual([403, 'CROSS_SITE_REFUSED', 'header'])
  })

  it.each(['', `${REFRESH}=short`, `${REFRESH}=${'x'.repeat(300)}`, `${REFRESH}=${'x'.repeat(43)}`])(
    'with %j is for nobody',
    async (Cookie) => {
      expect((await renew({ ...FROM_PAGE, Cookie })).status).toBe(401)
    },
  )
})

describe('logging out', () => {
  it('ends the session and takes both cookies away', async () => {
    const as = await loggedIn()
    const answer = await send('POST', '/api/auth/logout', as)
    expect([answer.status, ...answer.cookies.values()]).toEqual([200, '', ''])
    expect(answer.headers.getSetCookie().every((cookie) => cookie.includes('; Max-Age=0; Path=/; '))).toBe(true)
    expect((await send('GET', '/api/auth/me', as)).status).toBe(401)
    expect((await send('POST', '/api/auth/browser-session/renew', as)).status).toBe(401)
  })

  it.each(['/api/auth/logout', '/trpc/auth.logout', '/api/v1/auth/logout'])(
    'ends the session by the refresh cookie alone when the access token is over: %s',
    async (path) => {
      const { cookies } = await logIn()
      const as = { ...FROM_PAGE, Cookie: jar(cookies, REFRESH) }
      expect((await send('POST', path, { ...as, Origin: EVIL }, {})).status).toBe(403)
      const answer = await send('POST', path, as, {})
      expect([answer.status < 300, answer.cookies.get(ACCESS), answer.cookies.get(REFRESH)]).toEqual([true, '', ''])
      expect((await send('POST', '/api/auth/browser-session/renew', as)).status).toBe(401)
      const both = { ...FROM_PAGE, Cookie: jar(cookies, ACCESS, REFRESH) }
      expect((await send('GET', '/api/auth/me', both)).status).toBe(401)
    },
  )

  it('takes cookies away that are worth nothing, and is refused to who has none', async () => {
    const Cookie = `${ACCESS}=over; ${REFRESH}=${'x'.repeat(43)}`
    const answer = await send('POST', '/api/auth/logout', { ...FROM_PAGE, Cookie })
    expect([answer.status, answer.cookies.get(ACCESS), answer.cookies.get(REFRESH)]).toEqual([200, '', ''])
    expect((await send('POST', '/api/auth/logout', FROM_PAGE)).status).toBe(401)
  })

  it('cannot be done by a foreign page', async () => {
    const as = await loggedIn()
    expect((await send('POST', '/api/auth/logout', { ...as, Origin: EVIL })).status).toBe(403)
    expect((await send('POST', '/api/auth/logout', without(as, 'X-Gantry-Session'))).status).toBe(403)
    expect((await send('GET', '/api/auth/me', as)).status).toBe(200)
  })

  it('by header sets no cookies', async () => {
    const { Authorization = '' } = (await app.logInAs('viewer')).headers
    expect((await send('POST', '/api/auth/logout', { Authorization })).cookies.size).toBe(0)
  })
})

describe('a live stream by cookie', () => {
  const open = (headers: Headed) =>
    openLiveEvents<{ type: string }>(`${app.url}/trpc/alarms.onChange`, { ...headers, Accept: 'text/event-stream' })

  it('runs for allowed pages, by an EventSource that can send no header', async () => {
    const { Cookie = '' } = await loggedIn()
    for (const page of [{ Origin: PAGE }, { 'Sec-Fetch-Site': 'same-origin' }] as Headed[]) {
      await using stream = await open({ Cookie, ...page })
      await stream.until((seen) => seen.some(({ data }) => data.type === 'snapshot'))
    }
  })

  it.each([{ Origin: EVIL }, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }, {}] as Headed[])(
    'tells a foreign page nothing: %j',
    async (page) => {
      const { Cookie = '' } = await loggedIn()
      const answer = await send('GET', '/trpc/alarms.onChange', { Cookie, ...page, Accept: 'text/event-stream' })
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      expect(answer.body).toContain('CROSS_SITE_REFUSED')
      expect(answer.body).not.toContain('snapshot')
    },
  )
})
