import type { ErrorBody } from '@gantry/schemas'
import { createTRPCClient, httpBatchLink, TRPCClientError } from '@trpc/client'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startProbeServer, type ProbeRouter, type ProbeServer } from '../testing/http-test-server.js'

let server: ProbeServer
beforeAll(async () => {
  server = await startProbeServer()
})
afterAll(() => server.stop())

const client = (role: string) =>
  createTRPCClient<ProbeRouter>({
    links: [
      httpBatchLink({
        url: `${server.url}/trpc`,
        transformer: superjson,
        headers: { Authorization: `Bearer ${role}`, 'X-Request-Id': 'r1' },
      }),
    ],
  })

type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> }
const rest = (path: string, init: Init = {}, role = 'admin') =>
  fetch(`${server.url}/api${path}`, {
    ...init,
    headers: { Authorization: `Bearer ${role}`, 'X-Request-Id': 'r1', ...init.headers },
  })
const post = (path: string, body: string) =>
  rest(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })
const restError = async (response: Response) => ((await response.json()) as { error: ErrorBody }).error

const trpcError = async (call: Promise<unknown>): Promise<ErrorBody> => {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof TRPCClientError)) throw new Error('the call did not fail')
  return (error as TRPCClientError<ProbeRouter>).data as ErrorBody
}

describe('a procedure', () => {
  it('answers with dates over tRPC and with ISO texts over REST, without undeclared fields', async () => {
    expect(await client('viewer').things.get.query({ id: 'a' })).toMatchObject({ madeAt: new Date(0), count: null })
    expect(await (await rest('/things/a?count=3&tags=x&tags=y')).json()).toEqual({
      id: 'a',
      count: 3,
      tags: ['x', 'y'],
      madeAt: '1970-01-01T00:00:00.000Z',
    })
    expect(await (await rest('/ping')).json()).toEqual({ pong: true })
  })

  it('takes dates from JSON, and a single value where a list is wanted', async () => {
    const made = await post('/things', JSON.stringify({ name: 'cube', dueAt: '2026-01-02T03:04:05Z' }))
    expect(await made.json()).toEqual({ name: 'cube', dueAt: '2026-01-02T03:04:05.000Z' })
    expect(await (await rest('/things/a?tags=x')).json()).toMatchObject({ tags: ['x'] })
    const sent = new Date('2026-01-02T03:04:05Z')
    expect(await client('operator').things.create.mutate({ name: 'cube', dueAt: sent })).toEqual({
      name: 'cube',
      dueAt: sent,
    })
  })

  it('is no laxer over tRPC after REST has turned texts into numbers and dates', async () => {
    await rest('/things/a?count=3')
    const count = '3' as unknown as number
    expect((await trpcError(client('viewer').things.get.query({ id: 'a', count }))).code).toBe('VALIDATION_FAILED')
  })
})

describe('an error', () => {
  it('has the same body over tRPC, REST and uploads', async () => {
    const expected = {
      code: 'NOT_FOUND',
      message: 'There is no such thing.',
      params: { resource: 'thing', id: 'missing' },
      requestId: 'r1',
      retryable: false,
      fields: null,
      retryAfterSeconds: null,
    }
    expect(await trpcError(client('viewer').things.get.query({ id: 'missing' }))).toEqual(expected)
    const response = await rest('/things/missing')
    expect([response.status, await restError(response)]).toEqual([404, expected])
    const file = await rest('/files/missing/content')
    expect([file.status, Object.keys(await restError(file))]).toEqual([404, Object.keys(expected)])
  })

  it('of an input names its fields', async () => {
    const fields = { name: ['Too small: expected string to have >=2 characters'], extra: ['is not a known field'] }
    const body = await restError(await post('/things', '{"name":"x","extra":1}'))
    expect(body).toMatchObject({ code: 'VALIDATION_FAILED', fields })
    const input = { name: 'x', extra: 1 }
    expect(await trpcError(client('operator').things.create.mutate(input))).toEqual(body)
  })

  it('that nobody expected shows nothing but the request id, and stands in the log', async () => {
    const masked = { code: 'INTERNAL', message: 'Something went wrong on the server.', params: {}, requestId: 'r1' }
    expect(await trpcError(client('viewer').things.get.query({ id: 'broken' }))).toMatchObject(masked)
    const response = await rest('/things/broken')
    expect(response.status).toBe(500)
    expect(await response.text()).not.toMatch(/secret|stack|hunter2/)
    const raw = await (await fetch(`${server.url}/trpc/leak`)).text()
    expect(raw).toContain('INTERNAL')
    expect(raw).not.toMatch(/boolean|stack/)
    expect(server.lines.filter((line) => line['msg'] === 'call failed' && line['level'] === 'error')).toHaveLength(3)
  })

  it.each([
    ['viewer', 'FORBIDDEN'],
    ['nobody', 'UNAUTHENTICATED'],
  ])('tells a %s that more is needed: %s', async (role, code) => {
    expect((await trpcError(client(role).secrets.query())).code).toBe(code)
  })

  it('of malformed JSON is 400', async () => {
    const response = await post('/things', '{"name":')
    expect([response.status, (await restError(response)).code]).toEqual([400, 'VALIDATION_FAILED'])
    const headers = { Authorization: 'Bearer admin', 'Content-Type': 'application/json', 'X-Request-Id': 'r1' }
    const trpc = await fetch(`${server.url}/trpc/things.create`, { method: 'POST', headers, body: '{"json":' })
    expect(trpc.status).toBe(400)
    expect(await trpc.json()).toMatchObject({
      error: { json: { data: { code: 'VALIDATION_FAILED', requestId: 'r1' } } },
    })
  })

  it('that tRPC finds before any procedure knows its request too', async () => {
    const unknown = await fetch(`${server.url}/trpc/no.such`, { headers: { 'X-Request-Id': 'r2' } })
    expect(unknown.status).toBe(404)
    expect(await unknown.json()).toMatchObject({ error: { json: { data: { code: 'NOT_FOUND', requestId: 'r2' } } } })
    const wrong = await fetch(`${server.url}/trpc/things.create`, { headers: { Authorization: 'Bearer admin' } })
    expect([wrong.status, await wrong.text()]).toEqual([405, expect.stringContaining('METHOD_NOT_ALLOWED')])
  })
})
