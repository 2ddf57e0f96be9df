import type { AnyProcedure } from '@trpc/server'
import type { ErrorBody } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { restProceduresOf } from '../../src/http/rest/rest-procedures.js'
import { proceduresOf } from '../../src/http/trpc-procedures.js'
import { newId } from '../../src/kernel/index.js'
import { appRouter } from '../../src/routers/app-router.js'
import { callerOf, PASSWORD, startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { createTestDatabase, type TestDatabase } from '../../src/testing/database.js'
import { startDoor, type Door } from '../../src/testing/odd-servers.js'
import type { ProcedureMeta } from '../../src/trpc/init.js'

/** So many requests under way at once. */
const AT_ONCE = 60
const EMAIL = 'admin@example.org'

let database: TestDatabase
let door: Door
let app: AppUnderTest
/** Of logins that the server has not seen used since it gave them. */
let unseen: Record<string, string>
let forPages: Record<string, string>

const newLogin = async () => {
  const login = { email: EMAIL, password: PASSWORD }
  const { accessToken } = await callerOf(app.url, {}).trpc.auth.login.mutate(login)
  return { Authorization: `Bearer ${accessToken}` }
}

beforeAll(async () => {
  database = await createTestDatabase()
  door = await startDoor(database.url)
  app = await startAppUnderTest({ DATABASE_URL: door.url, GANTRY_ROLES: 'api', DB_TIMEOUT_MS: '3000' })
  unseen = await newLogin()
  forPages = await newLogin()
  // The admin's own login was seen: it is remembered for a minute, and what it has asked for is kept for some seconds.
  const queries = protectedProcedures.filter(([, { _def }]) => _def.type === 'query')
  const answered = await inTurn(queries, ([name, procedure]) =>
    outcomeOf(name, overTrpc(name, procedure, app.admin.headers)),
  )
  expect(answered.filter(([, status]) => status === 200).length).toBeGreaterThan(15)
  await door.shut()
}, 60_000)
afterAll(async () => {
  await door.open()
  await app[Symbol.asyncDispose]()
  await door[Symbol.asyncDispose]()
  await database.drop()
})

type Outcome = [what: string, status: number, code: string | undefined]
type Headers = Record<string, string>

const outcomeOf = async (what: string, asked: Promise<Response>): Promise<Outcome> => {
  const response = await asked
  // Streams tell their errors as events, with the status of a stream.
  const code = /"code":"([A-Z_]+)"/.exec(await response.text())?.[1]
  return [what, response.status, code]
}

const inTurn = async <T>(items: readonly T[], ask: (item: T) => Promise<Outcome>): Promise<Outcome[]> => {
  const outcomes: Outcome[] = []
  for (let from = 0; from < items.length; from += AT_ONCE)
    outcomes.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(ask))))
  return outcomes
}

const json = (method: string, headers: Headers, body: string) => ({
  method,
  headers: { ...headers, 'Content-Type': 'application/json' },
  body,
})

const overTrpc = (name: string, { _def }: AnyProcedure, headers: Headers) =>
  _def.type === 'mutation'
    ? fetch(`${app.url}/trpc/${name}`, json('POST', headers, '{"json":{}}'))
    : fetch(`${app.url}/trpc/${name}?input=${encodeURIComponent('{"json":{}}')}`, { headers })

const protectedProcedures = [...proceduresOf(appRouter)].filter(
  ([, { _def }]) => (_def.meta as ProcedureMeta | undefined)?.access !== 'public',
)
const protectedRest = restProceduresOf(appRouter).filter(({ access }) => access !== 'public')

const refusedAs = (type: string): [number, string] => [type === 'subscription' ? 200 : 503, 'UNAVAILABLE']

describe('while the database refuses connections', () => {
  it('there are procedures enough to tell', () => {
    expect(protectedProcedures.length).toBeGreaterThan(80)
    expect(protectedRest.length).toBeGreaterThan(80)
  })

  it('every protected procedure is 503 to who was recognised a moment ago, too', async () => {
    const files = () => fetch(`${app.url}/api/files`, { headers: app.admin.headers })
    await expect.poll(async () => (await files()).status, { interval: 20, timeout: 2_000 }).toBe(503)
    const outcomes = await inTurn(protectedProcedures, ([name, procedure]) =>
      outcomeOf(name, overTrpc(name, procedure, app.admin.headers)),
    )
    expect(outcomes).toEqual(protectedProcedures.map(([name, { _def }]) => [name, ...refusedAs(_def.type)]))
    const project = await app.admin.rest('POST', '/api/projects', { name: 'A' })
    expect([project.status, (project.error as ErrorBody).code]).toEqual([503, 'UNAVAILABLE'])
  }, 120_000)

  it('every protected procedure is 503 over tRPC, to whoever cannot be recognised', async () => {
    const outcomes = await inTurn(protectedProcedures, ([name, procedure]) =>
      outcomeOf(name, overTrpc(name, procedure, unseen)),
    )
    expect(outcomes).toEqual(protectedProcedures.map(([name, { _def }]) => [name, ...refusedAs(_def.type)]))
  }, 120_000)

  it('every protected procedure is 503 over REST, to whoever cannot be recognised', async () => {
    const outcomes = await inTurn(protectedRest, ({ name, rest }) => {
      const path = `${app.url}/api${rest.path.replaceAll(/\{\w+\}/g, newId('printer'))}`
      const hasBody = rest.method !== 'GET' && rest.method !== 'DELETE'
      return outcomeOf(
        name,
        fetch(path, hasBody ? json(rest.method, unseen, '{}') : { method: rest.method, headers: unseen }),
      )
    })
    expect(outcomes).toEqual(protectedRest.map(({ name }) => [name, 503, 'UNAVAILABLE']))
  }, 120_000)

  it('a batch of them is 503 as a whole', async () => {
    const names = protectedProcedures.filter(([, { _def }]) => _def.type === 'query').map(([name]) => name)
    const path = `/trpc/${names.slice(0, 20).join(',')}?batch=1`
    expect(await outcomeOf('batch', fetch(app.url + path, { headers: unseen }))).toEqual(['batch', 503, 'UNAVAILABLE'])
  })

  it('files, pages and figures for admins are 503 too', async () => {
    const paths = [
      '/api/files/x/content',
      '/api/files/x/thumbnail',
      '/api/openapi.json',
      '/metrics',
      '/health/detailed',
    ]
    const outcomes = await inTurn(paths, (path) => outcomeOf(path, fetch(app.url + path, { headers: forPages })))
    expect(outcomes).toEqual(paths.map((path) => [path, 503, 'UNAVAILABLE']))
    const upload = {
      method: 'POST',
      headers: { ...forPages, 'Content-Type': 'application/octet-stream' },
      body: 'G28\n',
    }
    const [, status] = await outcomeOf('upload', fetch(`${app.url}/api/files?name=a.gcode`, upload))
    expect(status).toBe(503)
  })

  it('nobody logs in, and no session goes on', async () => {
    const login = await app.nobody.rest('POST', '/api/auth/login', { email: EMAIL, password: PASSWORD })
    expect([login.status, login.error?.code]).toEqual([503, 'UNAVAILABLE'])
    const refresh = await app.nobody.rest('POST', '/api/auth/refresh', { refreshToken: 'x'.repeat(43) })
    expect(refresh.status).not.toBe(200)
  })
})

it('and afterwards all goes on as before, with the same logins', async () => {
  await door.open()
  await expect.poll(async () => (await fetch(`${app.url}/api/auth/me`, { headers: unseen })).status).toBe(200)
  expect((await app.admin.rest('GET', '/api/projects')).body).toMatchObject({ items: [] })
})
