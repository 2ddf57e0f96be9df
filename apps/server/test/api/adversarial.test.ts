import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { callerOf } from '../../src/testing/app-under-test.js'
import { openLiveEvents } from '../../src/testing/live-events.js'
import { ADDRESSES } from './adversarial/addresses.attacks.js'
import { ARCHIVES } from './adversarial/archives.attacks.js'
import { asAdmin, summaryOf, type Attack, type Lab } from './adversarial/attack.js'
import { BODIES } from './adversarial/bodies.attacks.js'
import { HEADS } from './adversarial/heads.attacks.js'
import { ORIGINS } from './adversarial/origins.attacks.js'
import { PATHS } from './adversarial/paths.attacks.js'
import { COSTLY, PROCEDURES } from './adversarial/procedures.attacks.js'
import { rawExchange, type RawAnswer } from './adversarial/raw-exchange.js'
import { SLOW } from './adversarial/slow.attacks.js'
import { STREAMS } from './adversarial/streams.attacks.js'
import { TOKENS } from './adversarial/tokens.attacks.js'
import { UPLOADS } from './adversarial/uploads.attacks.js'
import { startWatchedServer, type WatchedServer } from './adversarial/watched-server.js'

const GROUPS: Record<string, Attack[]> = {
  'a head with': HEADS,
  'a body with': BODIES,
  'a call of': PROCEDURES,
  'a caller with': TOKENS,
  'a request for': PATHS,
  'an upload of': UPLOADS,
  'a 3MF of': ARCHIVES,
  'an order to connect to': ADDRESSES,
  'a request that names': ORIGINS,
  'a watcher with': STREAMS,
}
const LOOP_P99_MS = 100

let server: WatchedServer
let lab: Lab
/** Of those that last: they run beside all others. */
let slowly: Promise<RawAnswer[]>[]

beforeAll(async () => {
  server = await startWatchedServer()
  lab = server.lab
  await server.loop('begin')
  slowly = SLOW.map(([, request]) => rawExchange(lab.url, request(lab)))
  // Each is looked at by its own test.
  for (const slow of slowly) slow.catch(() => undefined)
}, 90_000)
afterAll(() => server[Symbol.asyncDispose]())

/** What stands in stacks, in statements and in the messages of libraries, and paths of this machine. */
const LEAKS = /node_modules|\.[jt]s:\d|\bat [\w.]+ \(|prisma|\bSELECT\b|postgres|\bECONN|\/(tmp|work|home|root)\//i

/** What holds of every answer, whatever was asked. */
const expectTight = ({ headers, body }: RawAnswer) => {
  expect(body).not.toMatch(LEAKS)
  expect(headers['x-request-id']).toMatch(/^[\w.:-]{1,64}$/)
  expect(headers['x-content-type-options']).toBe('nosniff')
  expect(headers['content-security-policy']).toContain("default-src 'none'")
  expect(headers['access-control-allow-origin']).toBeUndefined()
  expect(headers['x-injected']).toBeUndefined()
}

const expectAnswers = (answers: RawAnswer[], expected: string[]) => {
  expect(answers.map(summaryOf), JSON.stringify(answers)).toEqual(expected)
  answers.forEach(expectTight)
}

describe.each(Object.entries(GROUPS))('%s', (_group, attacks) => {
  it.each(attacks)('%s', async (_what, request, ...expected) => {
    expectAnswers(await rawExchange(lab.url, request(lab)), expected)
    expect(server.isAlive()).toBe(true)
  })
})

describe('a client that takes its time with', () => {
  it.each(SLOW.map(([what, , ...expected], index) => ({ what, expected, index })))('$what', async (slow) => {
    expectAnswers((await slowly[slow.index]) ?? [], slow.expected)
  })
})

describe('live streams', () => {
  const url = () => `${lab.url}/trpc/printers.onStatus`
  const asked = async () => {
    const [answer] = await rawExchange(
      lab.url,
      asAdmin(lab, '/trpc/printers.onStatus', { headers: ['Accept: text/event-stream'] }),
    )
    return answer
  }

  it('begin anew from a cursor that never was', async () => {
    const headers = { Authorization: `Bearer ${lab.adminToken}`, Accept: 'text/event-stream' }
    await using stream = await openLiveEvents<{ type: string }>(`${lab.url}/trpc/printJobs.onChange`, {
      ...headers,
      'Last-Event-ID': "1'; DROP TABLE event; --",
    })
    const [first] = await stream.until((seen) => seen.length > 0)
    expect(first?.data.type).toBe('snapshot')
  })

  it('of one person are refused beyond twenty, and of another are not', async () => {
    const headers = { Authorization: `Bearer ${lab.adminToken}`, Accept: 'text/event-stream' }
    const open = await Promise.all(Array.from({ length: 20 }, () => openLiveEvents(url(), headers)))
    const refused = await asked()
    expect(refused && summaryOf(refused)).toBe('200 RATE_LIMITED')
    await using other = await openLiveEvents(url(), { ...headers, Authorization: `Bearer ${lab.viewerToken}` })
    await other.until((seen) => seen.length > 0)
    for (const stream of open) await stream[Symbol.asyncDispose]()
  })
})

describe('after all of them', () => {
  it('there were at least sixty', () => {
    expect(Object.values(GROUPS).flat().length + SLOW.length).toBeGreaterThanOrEqual(60)
  })

  it('the server answers as before and has made no mistake of its own', async () => {
    const { trpc } = callerOf(lab.url, { Authorization: `Bearer ${lab.adminToken}` })
    expect(await trpc.files.get.query({ id: lab.fileId })).toMatchObject({ name: 'tiny.gcode' })
    expect((await trpc.printers.list.query({})).items.map(({ name }) => name)).toEqual(['Cellar'])
    expect(server.isAlive()).toBe(true)
    expect(server.terminal()).not.toMatch(/"INTERNAL"|"fatal":true/)
  })

  it('its event loop was never held up', async () => {
    const { heldP99Ms, delayP99Ms } = await server.loop('look')
    expect(heldP99Ms, `turns came ${delayP99Ms} ms late`).toBeLessThan(LOOP_P99_MS)
  })

  it.each(COSTLY)('it is not held up by twenty times %s either', async (_what, request) => {
    await server.loop('begin')
    for (let n = 0; n < 20; n += 1) await rawExchange(lab.url, request(lab))
    const { heldP99Ms, delayP99Ms } = await server.loop('look')
    expect(heldP99Ms, `turns came ${delayP99Ms} ms late`).toBeLessThan(LOOP_P99_MS)
  })
})
