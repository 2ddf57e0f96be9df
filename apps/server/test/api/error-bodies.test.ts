import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

import { ERROR_PARAMS, errorBody, type ErrorBody, type ErrorCode } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'

import { newId } from '../../src/kernel/index.js'
import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'

let app: AppUnderTest
beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_ROLES: 'api', MAX_UPLOAD_BYTES: '1000' })
  // Whoever asks for projects gets an error that nobody expected.
  await app.prisma.$executeRawUnsafe('alter table project rename to project_gone')
})
afterAll(() => app[Symbol.asyncDispose]())

const SECRET = 'hunter2hunter2'

/** What a failed answer was, as it came over the wire. */
interface Failed {
  raw: string
  requestId: string | null
}

type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string>; by?: 'admin' | 'nobody' }

const asked = async (path: string, { by = 'admin', headers, ...init }: Init = {}): Promise<Failed> => {
  const response = await fetch(app.url + path, { ...init, headers: { ...app[by].headers, ...headers } })
  return { raw: await response.text(), requestId: response.headers.get('x-request-id') }
}
const inputOf = (json: unknown) => `input=${encodeURIComponent(JSON.stringify({ json }))}`
const query = (name: string, json: unknown = {}, init: Init = {}) => asked(`/trpc/${name}?${inputOf(json)}`, init)
const sent = (method: string, path: string, body: string, type = 'application/json', init: Init = {}) =>
  asked(path, { ...init, method, body, headers: { 'Content-Type': type } })
const stream = (name: string, json: unknown, init: Init = {}) =>
  query(name, json, { ...init, headers: { Accept: 'text/event-stream' } })

/** Something else than HTTP on the port. */
const shouted = async (words: string): Promise<Failed> => {
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write(words)
  const raw = await text(socket)
  return { raw: raw.slice(raw.indexOf('\r\n\r\n')), requestId: /x-request-id: (\S+)/i.exec(raw)?.[1] ?? null }
}

/** Every error body in an answer: REST's `error`, tRPC's `error.json.data`, those of a batch, those of a stream. */
const bodiesIn = ({ raw }: Failed): unknown[] => {
  const events = [...raw.matchAll(/event: serialized-error\ndata: (.*)\n/g)].map(([, data]) => data ?? '')
  if (events.length > 0) return events.map((data) => (JSON.parse(data) as { json: { data: unknown } }).json.data)
  const answer: unknown = JSON.parse(raw)
  return (Array.isArray(answer) ? answer : [answer]).flatMap((member: unknown) => {
    const { error } = member as { error?: ErrorBody | { json: { data: unknown } } }
    if (error === undefined) return []
    return ['json' in error ? error.json.data : error]
  })
}

const GARBAGE = 'this is not HTTP\r\n\r\n'
const BATCH = encodeURIComponent(JSON.stringify({ 0: { json: {} }, 1: { json: { id: newId('printer') } } }))

/** Way of asking → what is done, and the codes of the errors that come of it. */
const WAYS: [what: string, codes: ErrorCode[], act: () => Promise<Failed>][] = [
  ['a query with a wrong input', ['VALIDATION_FAILED'], () => query('printers.get', { id: SECRET })],
  ['a query of something unknown', ['NOT_FOUND'], () => query('printers.get', { id: newId('printer') })],
  ['a query without a login', ['UNAUTHENTICATED'], () => query('printers.list', {}, { by: 'nobody' })],
  [
    'a query with a wrong token',
    ['UNAUTHENTICATED'],
    () => query('printers.list', {}, { by: 'nobody', headers: { Authorization: `Bearer ${SECRET}` } }),
  ],
  ['a query that fails', ['INTERNAL'], () => query('projects.list')],
  ['a procedure that there is not', ['NOT_FOUND'], () => query(`printers.${SECRET}`)],
  ['an input that is no JSON', ['VALIDATION_FAILED'], () => asked(`/trpc/printers.list?input={"a":"${SECRET}`)],
  ['an input without an envelope', ['VALIDATION_FAILED'], () => asked('/trpc/printers.list?input={"a":1}')],
  ['a mutation by GET', ['METHOD_NOT_ALLOWED'], () => query('auth.login')],
  [
    'a mutation as a form',
    ['UNSUPPORTED_MEDIA_TYPE'],
    () => sent('POST', '/trpc/auth.login', `password=${SECRET}`, 'application/x-www-form-urlencoded'),
  ],
  [
    'a log-in with a wrong password',
    ['INVALID_CREDENTIALS'],
    () => sent('POST', '/trpc/auth.login', JSON.stringify({ json: { email: 'a@example.org', password: SECRET } })),
  ],
  ['a batch of which one fails', ['NOT_FOUND'], () => asked(`/trpc/printers.list,printers.get?batch=1&input=${BATCH}`)],
  [
    'a batch of which all fail',
    ['INTERNAL', 'NOT_FOUND'],
    () => asked(`/trpc/projects.list,printers.get?batch=1&input=${BATCH}`),
  ],
  [
    'a batch beyond the limit',
    ['VALIDATION_FAILED'],
    () => asked(`/trpc/${Array.from({ length: 21 }, () => 'printers.list').join(',')}?batch=1`),
  ],
  [
    'a body beyond the limit',
    ['REQUEST_TOO_LARGE'],
    () => sent('POST', '/trpc/auth.login', `{"json":"${'x'.repeat(1_100_000)}"}`),
  ],
  ['a route that there is not', ['NOT_FOUND'], () => asked(`/api/nowhere/${SECRET}?token=${SECRET}`)],
  ['a method that there is not', ['METHOD_NOT_ALLOWED'], () => asked('/api/printers', { method: 'DELETE' })],
  ['REST with a wrong input', ['VALIDATION_FAILED'], () => asked(`/api/printers/${SECRET}`)],
  [
    'REST with a body that is no JSON',
    ['VALIDATION_FAILED'],
    () => sent('POST', '/api/printers', `{"apiKey":"${SECRET}`),
  ],
  ['REST that fails', ['INTERNAL'], () => asked('/api/projects')],
  ['REST with a path that is no UTF-8', ['VALIDATION_FAILED'], () => asked('/api/printers/%ff')],
  [
    'an upload that is too large',
    ['FILE_TOO_LARGE'],
    () => sent('POST', '/api/files?name=a.gcode', 'G28\n'.repeat(1_000), 'application/octet-stream'),
  ],
  [
    'an upload of something else',
    ['NOT_GCODE'],
    () => sent('POST', '/api/files?name=a.gcode', `\0\x01\x02${SECRET}`, 'application/octet-stream'),
  ],
  ['an upload in a wrong form', ['UNSUPPORTED_MEDIA_TYPE'], () => sent('POST', '/api/files', '{}')],
  [
    'an upload by nobody',
    ['UNAUTHENTICATED'],
    () => sent('POST', '/api/files?name=a.gcode', 'G28\n', 'application/octet-stream', { by: 'nobody' }),
  ],
  ['a download of something unknown', ['NOT_FOUND'], () => asked(`/api/files/${newId('file')}/content`)],
  [
    'a link that is not ours',
    ['LINK_REFUSED'],
    () => asked(`/api/exports/${newId('export')}/download?expires=9999999999&signature=${SECRET}`, { by: 'nobody' }),
  ],
  ['a stream without a login', ['UNAUTHENTICATED'], () => stream('printers.onStatus', {}, { by: 'nobody' })],
  ['a stream with a wrong input', ['VALIDATION_FAILED'], () => stream('printJobs.onChange', { nonsense: SECRET })],
  ['a stream that there is not', ['NOT_FOUND'], () => stream('printers.onNothing', {})],
  ['something else than HTTP', ['VALIDATION_FAILED'], () => shouted(GARBAGE)],
  [
    'headers beyond the limit',
    ['REQUEST_TOO_LARGE'],
    () => shouted(`GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`),
  ],
]

/** Stacks, SQL, paths of the server, libraries, and what callers gave as a secret. */
const LEAKS = new RegExp(
  `\\n\\s+at |:\\d+:\\d+\\)|select |insert |project_gone|/src/|node_modules|prisma|${SECRET}`,
  'i',
)

describe('every failed answer has the same body, with nothing of the inside in it', () => {
  it.each(WAYS)('%s', async (_what, codes, act) => {
    const failed = await act()
    const bodies = bodiesIn(failed).map((body) => z.strictObject(errorBody.shape).parse(body))
    expect(bodies.map(({ code }) => code)).toEqual(codes)
    expect(failed.requestId).toMatch(/^[\w-]{36}$/)
    for (const { code, params, requestId, message } of bodies) {
      expect(requestId).toBe(failed.requestId)
      expect(z.strictObject(ERROR_PARAMS[code].shape).parse(params)).toEqual(params)
      expect(message).toMatch(/^[A-Z].*\S$/)
    }
    expect(failed.raw).not.toMatch(LEAKS)
  })
})
