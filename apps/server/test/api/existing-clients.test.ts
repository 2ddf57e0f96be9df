import type { ProjectEvent } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { newId } from '../../src/kernel/index.js'
import { PASSWORD, startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import type { LiveEvent } from '../../src/testing/live-events.js'
import {
  EMAIL,
  logInTo,
  PAGE,
  sendTo,
  WAYS,
  type Answered,
  type Client,
  type Headed,
  type OldSend,
  type Tokens,
  type Way,
} from './old-client.js'

/*
 * What clients were promised before there was Gantry, line by line: docs/reference/existing-clients.md. Nothing here
 * knows Gantry's own API, as they do not.
 */

const MOST_PROJECTS = 10_000
const EACH_WAY = ['header', 'cookie'] as const

let app: AppUnderTest

beforeAll(async () => {
  app = await startAppUnderTest({
    ...{ GANTRY_ROLES: 'api', CORS_ORIGINS: PAGE, METRICS_TOKEN: 'a token for collectors' },
    ...{ REGISTRATION: 'open', FLAG_NEW_DASHBOARD: 'on', FLAG_theme: 'dark', FLAG_EMPTY: '' },
  })
})
afterAll(() => app[Symbol.asyncDispose]())

const send: OldSend = (...request) => sendTo(app.url, ...request)
const logIn = (root: string, way: Way, email?: string) => logInTo(app.url, root, way, email)

const codeOf = ({ body }: Answered) => (body as { error: { code: string } }).error.code

const VERSIONS = ['/api/v1', '/api/v2']

describe.each(VERSIONS)('%s', (root) => {
  describe('auth', () => {
    it('register makes an account, whatever role is sent along, and refuses bad input', async () => {
      const register = (input: object) => send('POST', `${root}/auth/register`, input)
      const email = `${root.slice(-2)}@example.org`
      const password = 'seven purple lanterns'
      expect(await register({ email, password, role: 'admin' })).toMatchObject({
        ...{ status: 201, body: { email, role: 'operator' } },
      })
      expect((await send('POST', `${root}/auth/login`, { email, password })).status).toBe(200)
      expect((await app.prisma.user.findUniqueOrThrow({ where: { email } })).role).not.toBe('admin')
      for (const input of [{ email, password: 'seven' }, { email: 'no address', password }, { email }, {}]) {
        expect((await register(input)).status).toBe(400)
      }
    })

    it('login answers with tokens and the user, and gives browsers the token as a cookie that scripts cannot read', async () => {
      const { status, body, headers } = await send('POST', `${root}/auth/login`, { email: EMAIL, password: PASSWORD })
      expect([status, body]).toEqual([
        200,
        {
          ...{ token: expect.any(String) as string, refreshToken: expect.any(String) as string },
          user: { email: EMAIL, role: 'admin' },
        },
      ])
      const { token } = body as Tokens
      expect(headers.getSetCookie()).toEqual([
        expect.stringMatching(
          new RegExp(`^access_token=${token}; Max-Age=\\d+; Path=/api; HttpOnly; SameSite=Strict$`),
        ),
      ])
    })

    it('login with a wrong password, or of nobody, is 401, and without its fields 400', async () => {
      const wrong = await send('POST', `${root}/auth/login`, { email: EMAIL, password: 'something else' })
      const nobody = await send('POST', `${root}/auth/login`, { email: 'no@example.org', password: PASSWORD })
      expect([wrong.status, nobody.status]).toEqual([401, 401])
      expect((await send('POST', `${root}/auth/login`, { email: EMAIL })).status).toBe(400)
    })

    it('refresh gives new tokens for a refresh token, which then works no more', async () => {
      const { tokens } = await logIn(root, 'header')
      const first = await send('POST', `${root}/auth/refresh`, { refreshToken: tokens.refreshToken })
      expect([first.status, Object.keys(first.body as object).sort()]).toEqual([200, ['refreshToken', 'token']])
      const next = first.body as Tokens
      expect(next.refreshToken).not.toBe(tokens.refreshToken)
      expect((await send('POST', `${root}/auth/refresh`, { refreshToken: next.refreshToken })).status).toBe(200)
      expect((await send('POST', `${root}/auth/refresh`, { refreshToken: tokens.refreshToken })).status).toBe(401)
    })

    it.each(['nonsense', 'x'.repeat(5_000)])(
      'refresh with what never was a token is 401 (%#)',
      async (refreshToken) => {
        expect((await send('POST', `${root}/auth/refresh`, { refreshToken })).status).toBe(401)
      },
    )

    it('login and refresh work although an old token comes along, as it does with interceptors', async () => {
      const { tokens } = await logIn(root, 'header')
      for (const stale of [WAYS.header('worthless'), WAYS.cookie('worthless')]) {
        const login = await send('POST', `${root}/auth/login`, { email: EMAIL, password: PASSWORD }, stale)
        expect(login.status).toBe(200)
      }
      const stale = WAYS.header('worthless')
      const { refreshToken } = tokens
      expect((await send('POST', `${root}/auth/refresh`, { refreshToken }, stale)).status).toBe(200)
    })

    it.each(EACH_WAY)('me is the user by %s, and null for nobody', async (way) => {
      const { ask } = await logIn(root, way)
      expect(await ask('GET', '/auth/me')).toMatchObject({ status: 200, body: { email: EMAIL, role: 'admin' } })
      for (const as of [{}, WAYS[way]('worthless')]) {
        expect(await send('GET', `${root}/auth/me`, undefined, as)).toMatchObject({ status: 200, body: null })
      }
    })

    it.each(EACH_WAY)('logout ends the session by %s, is 204 for whomever, and takes the cookie away', async (way) => {
      const { ask } = await logIn(root, way)
      const ended = await ask('POST', '/auth/logout')
      expect([ended.status, ended.body]).toEqual([204, undefined])
      expect(ended.headers.getSetCookie().join()).toMatch(/^access_token=; Max-Age=0; Path=\/api; HttpOnly/)
      expect((await ask('GET', '/auth/me')).body).toBeNull()
      expect((await ask('GET', '/projects')).status).toBe(401)
      expect((await send('POST', `${root}/auth/logout`)).status).toBe(204)
    })

    it.each(['viewer', 'operator'] as const)('shows a %s as an operator, which lets nobody do more', async (role) => {
      await app.logInAs(role)
      const { email } = await app.prisma.user.findFirstOrThrow({ where: { role }, orderBy: { createdAt: 'desc' } })
      const { ask } = await logIn(root, 'header', email)
      expect((await ask('GET', '/auth/me')).body).toEqual({ email, role: 'operator' })
      expect((await ask('POST', '/projects', { name: 'New' })).status).toBe(role === 'viewer' ? 403 : 201)
    })
  })

  describe.each(EACH_WAY)('projects by %s', (way) => {
    let client: Client
    beforeAll(async () => {
      client = await logIn(root, way)
    })
    const create = async (input: object) => (await client.ask('POST', '/projects', input)).body as { id: string }

    it('are created with a name and, if one likes, a status', async () => {
      const plain = await client.ask('POST', '/projects', { name: 'Plain' })
      expect(plain).toMatchObject({
        status: 201,
        body: { id: expect.any(String) as string, name: 'Plain', status: 'todo' },
      })
      expect(Object.keys(plain.body as object).sort()).toEqual(['createdAt', 'id', 'name', 'status'])
      expect(new Date((plain.body as { createdAt: string }).createdAt).getTime()).not.toBeNaN()
      expect(await client.ask('POST', '/projects', { name: 'x'.repeat(100), status: 'in_progress' })).toMatchObject({
        ...{ status: 201, body: { status: 'in_progress' } },
      })
    })

    it.each([{ name: '' }, { name: 'x'.repeat(101) }, {}, { name: 'A', status: 'gone' }, { name: 7 }])(
      'are refused with 400 as %j',
      async (input) => {
        const answer = await client.ask('POST', '/projects', input)
        expect([answer.status, codeOf(answer)]).toEqual([400, 'VALIDATION_FAILED'])
      },
    )

    it('bear fields that nobody knows', async () => {
      expect((await client.ask('POST', '/projects', { name: 'More', colour: 'red' })).status).toBe(201)
    })

    it('are listed, the newest first', async () => {
      const older = await create({ name: 'Older' })
      const newer = await create({ name: 'Newer', status: 'done' })
      const { status, body, headers } = await client.ask('GET', '/projects')
      expect([status, Object.keys(body as object), headers.get('link')]).toEqual([200, ['projects'], null])
      const { projects } = body as { projects: { id: string }[] }
      expect(projects.slice(0, 2)).toEqual([
        { id: newer.id, name: 'Newer', status: 'done', createdAt: expect.any(String) as string },
        { id: older.id, name: 'Older', status: 'todo', createdAt: expect.any(String) as string },
      ])
    })

    it('are shown, changed by PUT and PATCH, and removed, each time with the project as the answer', async () => {
      const { id } = await create({ name: 'One' })
      const path = `/projects/${id}`
      expect(await client.ask('GET', path)).toMatchObject({ status: 200, body: { id, name: 'One', status: 'todo' } })
      expect(await client.ask('PUT', path, { name: 'Two', status: 'in_progress' })).toMatchObject({
        ...{ status: 200, body: { id, name: 'Two', status: 'in_progress' } },
      })
      expect(await client.ask('PATCH', path, { status: 'done' })).toMatchObject({
        ...{ status: 200, body: { id, name: 'Two', status: 'done' } },
      })
      expect(await client.ask('DELETE', path)).toMatchObject({ status: 200, body: { id, name: 'Two', status: 'done' } })
      expect((await client.ask('GET', path)).status).toBe(404)
    })

    it.each(['GET', 'PUT', 'PATCH', 'DELETE'])('%s is 404 for one that there is not', async (method) => {
      const input = method === 'PUT' || method === 'PATCH' ? { name: 'No' } : undefined
      for (const id of [newId('project'), '42', '%00', '..%2f..']) {
        expect((await client.ask(method, `/projects/${id}`, input)).status).toBe(404)
      }
    })

    it('tell live subscribers that they were created, changed and removed', async () => {
      await using live = await app.admin.stream('projects.onChange')
      await live.until((seen) => seen.some(({ data }) => data.type === 'snapshot'))
      const told: string[] = []
      const hears = async (type: ProjectEvent['type'], id: string) => {
        const isIt = ({ data }: LiveEvent<ProjectEvent>) =>
          data.type === type && ('project' in data ? data.project.id : 'projectId' in data && data.projectId) === id
        told.push((await live.until((seen) => seen.some(isIt))).find(isIt)!.data.type)
      }
      const { id } = await create({ name: 'Told' })
      await hears('project.created', id)
      await client.ask('PATCH', `/projects/${id}`, { status: 'done' })
      await hears('project.updated', id)
      await client.ask('DELETE', `/projects/${id}`)
      await hears('project.deleted', id)
      expect(told).toEqual(['project.created', 'project.updated', 'project.deleted'])
    })
  })

  it('projects need a login', async () => {
    expect((await send('GET', `${root}/projects`)).status).toBe(401)
    expect((await send('POST', `${root}/projects`, { name: 'No' })).status).toBe(401)
  })

  it('flags are those of the environment, for everybody', async () => {
    expect(await send('GET', `${root}/flags`)).toMatchObject({
      ...{ status: 200, body: { flags: { NEW_DASHBOARD: 'on', theme: 'dark' } } },
    })
  })

  describe('callers by cookie', () => {
    it('change things only from an allowed page, with JSON', async () => {
      const { as } = await logIn(root, 'cookie')
      const post = (headers: Headed) => send('POST', `${root}/projects`, { name: 'Forged' }, { ...as, ...headers })
      for (const headers of [
        { Origin: 'https://evil.example' },
        { Origin: 'null' },
        { Origin: `${PAGE}.evil.example` },
      ]) {
        const answer = await post(headers)
        expect([answer.status, codeOf(answer)]).toEqual([403, 'CROSS_SITE_REFUSED'])
      }
      const { Cookie = '' } = as
      const without = await send('POST', `${root}/projects`, { name: 'Forged' }, { Cookie })
      expect([without.status, codeOf(without)]).toEqual([403, 'CROSS_SITE_REFUSED'])
      const plain = await post({ 'Content-Type': 'text/plain' })
      expect([plain.status, codeOf(plain)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
      const form = await post({ 'Content-Type': 'multipart/form-data; boundary=x' })
      expect(form.status).toBe(415)
      expect(await app.prisma.project.count({ where: { name: 'Forged' } })).toBe(0)
    })

    it('may be on a page of this very server', async () => {
      const { as } = await logIn(root, 'cookie')
      const pages: Headed[] = [{ Origin: app.url }, { Origin: 'https://gantry.test', 'Sec-Fetch-Site': 'same-origin' }]
      for (const own of pages) {
        expect((await send('POST', `${root}/projects`, { name: 'Own' }, { ...as, ...own })).status).toBe(201)
      }
      const lie = { Origin: app.url, 'Sec-Fetch-Site': 'cross-site' }
      expect((await send('POST', `${root}/projects`, { name: 'Lie' }, { ...as, ...lie })).status).toBe(403)
    })

    it('are those of the header when both come', async () => {
      const { tokens } = await logIn(root, 'header')
      const both = { Authorization: `Bearer ${tokens.token}`, Cookie: 'access_token=worthless' }
      expect((await send('POST', `${root}/projects`, { name: 'Both' }, both)).status).toBe(201)
    })

    it('may as well have the cookie of a browser session', async () => {
      const { tokens } = await logIn(root, 'header')
      const as = { Cookie: `__Host-gantry-access=${tokens.token}; access_token=worthless`, Origin: PAGE }
      expect((await send('POST', `${root}/projects`, { name: 'Ours' }, as)).status).toBe(201)
    })

    it('are refused when somebody slipped in a second cookie', async () => {
      const { tokens } = await logIn(root, 'header')
      const as = { Cookie: `access_token=${tokens.token}; access_token=of-somebody-else`, Origin: PAGE }
      expect((await send('GET', `${root}/projects`, undefined, as)).status).toBe(401)
    })
  })
})

describe('outside of the versions', () => {
  let admin: Client
  beforeAll(async () => {
    admin = await logIn('/api/v1', 'cookie')
  })
  const COUNTS = ['waiting', 'active', 'completed', 'failed', 'delayed']
  const QUEUES = [
    ...['cleanup-tokens', 'email-notification', 'data-export', 'metrics-aggregation', 'cache-warmup'],
    'user-analytics',
  ]

  it('/api tells of versions, docs, health and metrics', async () => {
    expect(await send('GET', '/api')).toMatchObject({
      status: 200,
      body: {
        versions: { v1: '/api/v1', v2: '/api/v2' },
        ...{ docs: '/api/docs', health: '/api/health', metrics: '/metrics' },
      },
    })
  })

  it('/api/health tells how the server is', async () => {
    const { status, body } = await send('GET', '/api/health')
    expect([status, Object.keys(body as object).sort()]).toEqual([
      200,
      ['commit', 'env', 'memory', 'status', 'uptime', 'version'],
    ])
    expect(body).toMatchObject({ status: 'ok', uptime: expect.any(Number) as number })
  })

  it.each(['/health', '/ready', '/healthz'])('%s answers', async (path) => {
    expect((await send('GET', path)).status).toBe(200)
  })

  it.each(['/metrics', '/api/metrics', '/health/detailed'])('%s needs an admin or the token', async (path) => {
    const status = async (headers: Headed) => (await fetch(app.url + path, { headers })).status
    expect(await status({})).toBe(401)
    expect(await status(WAYS.header(admin.tokens.token))).toBe(200)
    expect(await status(WAYS.header('a token for collectors'))).toBe(200)
  })

  it('/api/metrics and the queues also know the cookie of old, and nothing else outside of the versions does', async () => {
    expect((await send('GET', '/api/metrics', undefined, admin.as)).status).toBe(200)
    expect((await send('GET', '/api/admin/queues', undefined, admin.as)).status).toBe(200)
    expect((await send('GET', '/api/projects', undefined, admin.as)).status).toBe(401)
    expect((await send('GET', '/api/admin/jobs?state=failed', undefined, admin.as)).status).toBe(401)
  })

  it.each(EACH_WAY)('queue statistics and their cleanup are for admins by %s', async (way) => {
    const { as } = await logIn('/api/v2', way)
    const { status, body } = await send('GET', '/api/admin/queues', undefined, as)
    expect([status, (body as { success: boolean }).success]).toEqual([200, true])
    const { data } = body as { data: Record<string, Record<string, unknown>> }
    expect(Object.keys(data)).toEqual(expect.arrayContaining(QUEUES))
    for (const queue of QUEUES) {
      for (const count of COUNTS) expect(data[queue]?.[count]).toEqual(expect.any(Number))
    }
    for (const input of [undefined, {}]) {
      expect(await send('POST', '/api/admin/queues/cleanup', input, as)).toMatchObject({
        ...{ status: 200, body: { success: true } },
      })
    }
    expect((await send('POST', '/api/admin/queues/cleanup')).status).toBe(401)
    expect((await send('GET', '/api/admin/queues')).status).toBe(401)
  })

  it('X-Request-Id is taken from the request or made, and returned, on errors as well', async () => {
    const given = await send('GET', '/api/v1/projects', undefined, { 'X-Request-Id': 'from-the-client' })
    expect(given.headers.get('x-request-id')).toBe('from-the-client')
    expect((given.body as { error: { requestId: string } }).error.requestId).toBe('from-the-client')
    expect((await send('GET', '/api/v2/flags')).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('more than ten thousand projects', () => {
  it('come as pages, each with a link to the next', async () => {
    const { ask } = await logIn('/api/v2', 'header')
    const owner = await app.prisma.user.findFirstOrThrow({ where: { email: EMAIL } })
    const before = await app.prisma.project.count({ where: { removedAt: null } })
    const ids = Array.from({ length: MOST_PROJECTS + 3 }, () => newId('project'))
    await app.prisma.$executeRaw`
      INSERT INTO project (id, name, status, created_by_id, created_at, updated_at)
      SELECT id, 'One of many', 'todo', ${owner.id}, now(), now() FROM unnest(${ids}::text[]) AS id`
    const first = await ask('GET', '/projects')
    const idsIn = ({ body }: Answered) => (body as { projects: { id: string }[] }).projects.map(({ id }) => id)
    expect([first.status, idsIn(first).length]).toEqual([200, MOST_PROJECTS])
    const [, next = ''] =
      /^<\/api\/v2(\/projects\?cursor=[\w%-]+)>; rel="next"$/.exec(first.headers.get('link') ?? '') ?? []
    const second = await ask('GET', next)
    expect([idsIn(second).length, second.headers.get('link')]).toEqual([before + 3, null])
    expect(new Set([...idsIn(first), ...idsIn(second)]).size).toBe(ids.length + before)
  }, 120_000)
})

describe('where nobody may register', () => {
  it('register is 403 in both versions', async () => {
    await using closed = await startAppUnderTest({ GANTRY_ROLES: 'api' })
    for (const root of VERSIONS) {
      const response = await fetch(`${closed.url}${root}/auth/register`, {
        ...{ method: 'POST', headers: { 'Content-Type': 'application/json' } },
        body: JSON.stringify({ email: 'new@example.org', password: 'seven purple lanterns' }),
      })
      const { error } = (await response.json()) as { error: { code: string } }
      expect([response.status, error.code]).toEqual([403, 'REGISTRATION_CLOSED'])
    }
  })
})
