import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startProbeServer, type ProbeServer } from '../testing/http-test-server.js'

let server: ProbeServer
beforeAll(async () => {
  server = await startProbeServer({ http: { corsOrigins: ['https://farm.example'] } })
})
afterAll(() => server.stop())

const STRICT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const as = (role: string) => ({ Authorization: `Bearer ${role}` })

/** A request of every kind of answer, and the policy for scripts that it carries; pages need one of their own. */
const ANSWERS: [what: string, path: string, init: RequestInit, status: number, policy: string][] = [
  ['a procedure over REST', '/api/ping', {}, 200, STRICT],
  ['a procedure over tRPC', '/trpc/ping', {}, 200, STRICT],
  ['several procedures at once', '/trpc/ping,no.such?batch=1', {}, 207, STRICT],
  ['an error over REST', '/api/things/missing', { headers: as('viewer') }, 404, STRICT],
  ['an error over tRPC', '/trpc/no.such', {}, 404, STRICT],
  ['an error of the server itself', '/api/things/broken', { headers: as('viewer') }, 500, STRICT],
  ['nobody', '/api/things/a', {}, 401, STRICT],
  ['no route', '/nowhere', {}, 404, STRICT],
  ['another method', '/api/ping', { method: 'DELETE' }, 405, STRICT],
  [
    'a preflight',
    '/api/ping',
    { method: 'OPTIONS', headers: { Origin: 'https://farm.example', 'Access-Control-Request-Method': 'GET' } },
    204,
    STRICT,
  ],
  ['HEAD', '/api/ping', { method: 'HEAD' }, 200, STRICT],
  ['a download', '/api/files/a/content', { headers: as('viewer') }, 200, STRICT],
  [
    'an upload',
    '/api/files?name=a.gcode',
    { method: 'POST', headers: { ...as('operator'), 'Content-Type': 'application/octet-stream' }, body: 'G28\n' },
    201,
    STRICT,
  ],
  ['a refused link', '/api/exports/a/download', {}, 403, STRICT],
  ['the probes', '/healthz', {}, 200, STRICT],
  ['the metrics', '/metrics', { headers: as('admin') }, 200, STRICT],
  ['the API description', '/api/openapi.json', {}, 200, STRICT],
  ['the page of the API description', '/api/docs', {}, 200, "script-src 'self'; "],
  ['a script of that page', '/api/docs/docs.js', {}, 200, STRICT],
  ['a picture of that page', '/api/docs/favicon-32x32.png', {}, 200, STRICT],
  ['the page of the queues', '/admin/queues', {}, 200, "script-src 'self'; "],
  ['a script of that page', '/admin/queues/main.js', {}, 200, "script-src 'self'; "],
  ['the page to sign in', '/account/sign-in', {}, 200, "script-src 'self'; "],
  ['the page of a link in a mail', '/account/password', {}, 200, "script-src 'self'; "],
  ['a script of all pages', '/assets/api.js', {}, 200, "script-src 'self'; "],
  ['the way to the account', '/', { redirect: 'manual' }, 302, STRICT],
]

const expectHeaders = (headers: Headers, policy: string) => {
  const found = headers.get('content-security-policy')
  expect(found).toContain(policy)
  for (const part of ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
    expect(found).toContain(part)
  expect(found).not.toMatch(/script-src[^;]*(unsafe|\*|http|data:)/)
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(headers.get('x-frame-options')).toBe('DENY')
  expect(headers.get('referrer-policy')).toBe('no-referrer')
  expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
  expect(headers.get('x-request-id')).toMatch(/^[\w.:-]{1,64}$/)
  expect([headers.get('x-powered-by'), headers.get('server')]).toEqual([null, null])
}

describe('the security headers', () => {
  it.each(ANSWERS)('stand on %s: %s', async (_what, path, init, status, policy) => {
    const response = await fetch(server.url + path, init)
    await response.arrayBuffer()
    expect(response.status).toBe(status)
    expectHeaders(response.headers, policy)
  })

  it('stand on what never became a request', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.write('this is no HTTP\r\n\r\n')
    const [head = ''] = (await text(socket)).split('\r\n\r\n')
    const [status, ...lines] = head.split('\r\n')
    expect(status).toBe('HTTP/1.1 400 Bad Request')
    expectHeaders(
      new Headers(
        lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
      ),
      STRICT,
    )
  })

  it('stand on a stream', async () => {
    const leave = new AbortController()
    const path = `/trpc/ticks?input=${encodeURIComponent('{"json":{"until":1}}')}`
    const response = await fetch(server.url + path, { headers: as('viewer'), signal: leave.signal })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    expectHeaders(response.headers, STRICT)
    leave.abort()
  })

  it('keep answers from being stored', async () => {
    for (const path of ['/api/ping', '/trpc/ping', '/nowhere', '/healthz', '/account', '/assets/api.js'])
      expect((await fetch(server.url + path)).headers.get('cache-control')).toBe('no-store')
  })

  it('make a download a file, never a page', async () => {
    const { headers } = await fetch(`${server.url}/api/files/a/content`, { headers: as('viewer') })
    expect(headers.get('content-disposition')).toMatch(/^attachment; /)
    expect(headers.get('content-type')).toBe('text/x-gcode')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })
})
