import type { UserRole } from '@gantry/schemas'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'

import { inRole, SYSTEM_ACTOR, type Actor, type Authenticator } from '../kernel/index.js'
import { CacheRig, type CacheRigOptions } from '../testing/cache-rig.js'
import { ManualClock } from '../testing/manual-clock.js'
import { startProbeServer, type ProbeServer } from '../testing/http-test-server.js'
import { Answers } from '../trpc/answers.js'
import type { CacheRule } from '../trpc/cache-rule.js'
import { cache } from '../trpc/cache.js'
import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const shared: CacheRule = { ttl: 60, tags: ['printer'], scope: 'shared' }
const wanted = z.strictObject({ name: z.string(), limit: z.int().default(10) })

/** Two kept queries and what lies beside them; `runs` counts what was really carried out. */
const countingRouter = () => {
  const runs = { list: 0, own: 0, plain: 0, refused: 0 }
  const gate = { wait: Promise.resolve() }
  const seen = z.object({ name: z.string(), limit: z.number(), run: z.number(), at: z.date() })
  const found = (input: z.output<typeof wanted>, run: number) => ({ ...input, run, at: new Date(0) })
  return {
    runs,
    gate,
    router: router({
      list: procedureFor('printers.control')
        .meta({ openapi: { method: 'GET', path: '/list', tags: ['list'], summary: 'A list' } })
        .input(wanted)
        .concat(cache(shared))
        .output(seen)
        .query(async ({ input }) => {
          const run = (runs.list += 1)
          await gate.wait
          return { ...found(input, run), secret: 'a column that nobody declared' }
        }),
      own: procedureFor('printers.read')
        .input(wanted)
        .concat(cache({ ...shared, scope: 'actor' }))
        .output(seen)
        .query(({ input }) => found(input, (runs.own += 1))),
      plain: procedureFor('printers.read')
        .output(z.number())
        .query(() => (runs.plain += 1)),
      refused: procedureFor('printers.read')
        .concat(cache(shared))
        .output(z.string())
        .query(() => {
          runs.refused += 1
          throw new Error('no')
        }),
    }),
  }
}

const user = (id: string, role: UserRole, projects: Actor['scope']['projects'] = 'all'): Actor => ({
  ...SYSTEM_ACTOR,
  ...{ kind: 'user', id, ...inRole(role), scope: { printerGroups: 'all', projects } },
})

const ACTORS = [
  user('olga', 'operator'),
  user('otto', 'operator'),
  user('anna', 'admin'),
  user('vera', 'viewer'),
  user('paul', 'operator', ['prj_1']),
]

const authenticator: Authenticator = {
  authenticate: (name) => Promise.resolve(ACTORS.find(({ id }) => id === name) ?? null),
  stillValid: () => Promise.resolve(true),
}

const opened: AsyncDisposable[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]()
})

const open = async ({
  clock,
  ...overrides
}: Partial<Parameters<typeof startProbeServer>[0]> & CacheRigOptions = {}) => {
  const rig = new CacheRig({ ...(clock && { clock }) })
  const { cache: kept } = rig.start()
  const { router, runs, gate } = countingRouter()
  const answers = new Answers(kept, 'build-1')
  const server: ProbeServer = await startProbeServer({ router, answers, authenticator, ...overrides })
  opened.push(rig, { [Symbol.asyncDispose]: () => server.stop() })
  const get = (path: string, who = 'olga', headers: Record<string, string> = {}) =>
    fetch(server.url + path, { headers: { authorization: who, ...headers } })
  return { ...server, kept, runs, gate, get, answers, router }
}

const one = (procedure: string, input: object): string =>
  `/trpc/${procedure}?input=${encodeURIComponent(JSON.stringify({ json: input }))}`

const batch = (...calls: [procedure: string, input: object | null][]): string => {
  const inputs = Object.fromEntries(calls.flatMap(([, input], n) => (input === null ? [] : [[n, { json: input }]])))
  const names = calls.map(([procedure]) => procedure).join(',')
  return `/trpc/${names}?batch=1&input=${encodeURIComponent(JSON.stringify(inputs))}`
}

/** An answer that was dropped and is being made anew, until the gate is opened. */
const remaking = async ({ get, gate, kept, runs }: Awaited<ReturnType<typeof open>>) => {
  await get(one('list', { name: 'a' }))
  await kept.invalidateTags(['printer'])
  let openGate = () => {}
  gate.wait = new Promise((resolve) => (openGate = resolve))
  const first = get(one('list', { name: 'a' }))
  await expect.poll(() => runs.list).toBe(2)
  return { first, openGate }
}

const statusOf = (response: Response) => response.headers.get('cache-status')

describe('a query whose answers are kept', () => {
  it('is answered the second time with the bytes of the first, and says so', async () => {
    const { get, runs } = await open()
    const [first, second] = [await get(one('list', { name: 'a' })), await get(one('list', { name: 'a' }))]
    expect([statusOf(first), statusOf(second), runs.list]).toEqual(['Gantry; fwd=miss', 'Gantry; hit', 1])
    expect(await second.text()).toBe(await first.text())
    for (const response of [first, second]) expect(response.headers.get('cache-control')).toBe('private, no-cache')
    expect(second.headers.get('age')).toBe('0')
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(second.headers.get('vary')).toBe(first.headers.get('vary'))
  })

  it('is sent with all the headers of one that was made', async () => {
    const { get } = await open({ http: { corsOrigins: ['https://shop.example'] } })
    const headers = { origin: 'https://shop.example', 'x-request-id': 'mine' }
    const [made, kept] = [
      await get(one('list', { name: 'a' }), 'olga', headers),
      await get(one('list', { name: 'a' }), 'olga', headers),
    ]
    expect([statusOf(made), statusOf(kept)]).toEqual(['Gantry; fwd=miss', 'Gantry; hit'])
    const ofMade = Object.fromEntries([...made.headers].filter(([name]) => !/^(date|content-length)$/.test(name)))
    const differing = {
      age: '0',
      'cache-status': 'Gantry; hit',
      'ratelimit-remaining': '9998',
      'content-length': expect.any(String) as string,
    }
    expect(Object.fromEntries([...kept.headers].filter(([name]) => name !== 'date'))).toEqual({
      ...ofMade,
      ...differing,
    })
    expect(ofMade).toMatchObject({
      'x-request-id': 'mine',
      'access-control-allow-origin': 'https://shop.example',
      'x-frame-options': 'DENY',
    })
  })

  it('has one answer for equal inputs, however they are written', async () => {
    const { get, runs } = await open()
    await get(one('list', { name: 'a' }))
    const other = await get(one('list', { limit: 10, name: 'a' }))
    expect(runs.list).toBe(1)
    expect(statusOf(other)).toBe('Gantry; fwd=miss')
    expect(statusOf(await get(one('list', { limit: 10, name: 'a' })))).toBe('Gantry; hit')
    expect(statusOf(await get(one('list', { limit: 11, name: 'a' })))).toBe('Gantry; fwd=miss')
    expect(runs.list).toBe(2)
  })

  it('is asked anew when what it tells of has changed', async () => {
    const { get, kept, runs } = await open()
    await get(one('list', { name: 'a' }))
    await kept.invalidateTags(['job'])
    expect(statusOf(await get(one('list', { name: 'a' })))).toBe('Gantry; hit')
    await kept.invalidateTags(['printer'])
    expect(statusOf(await get(one('list', { name: 'a' })))).toBe('Gantry; fwd=miss')
    expect(runs.list).toBe(2)
  })

  it('is run once when many ask at the same time', async () => {
    const { get, runs } = await open()
    const answers = await Promise.all(Array.from({ length: 50 }, () => get(one('list', { name: 'a' }))))
    expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1)
    expect(runs.list).toBe(1)
  })

  it('is waited for while it is made anew, and those who wait get its bytes', async () => {
    const server = await open()
    const { get, kept, runs } = server
    const { first, openGate } = await remaking(server)
    const waiting = Array.from({ length: 5 }, () => get(one('list', { name: 'a' })))
    const missesOf = () => kept.stats().groups.find(({ group }) => group === 'list')?.memory.misses ?? 0
    const misses = missesOf()
    await expect.poll(missesOf).toBe(misses + 5)
    openGate()
    const answers = [await first, ...(await Promise.all(waiting))]
    expect(answers.map(statusOf)).toEqual(['Gantry; fwd=miss', ...waiting.map(() => 'Gantry; hit')])
    expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1)
    expect(runs.list).toBe(2)
  })

  it('is waited for no longer than a request may take', async () => {
    const server = await open({ timeouts: { requestMs: 500 } })
    const { get, runs } = server
    const { first, openGate } = await remaking(server)
    const answers = await Promise.all([first, get(one('list', { name: 'a' }))])
    expect(answers.map(({ status }) => status)).toEqual([504, 504])
    openGate()
    await expect.poll(async () => statusOf(await get(one('list', { name: 'a' })))).toBe('Gantry; hit')
    expect(runs.list).toBe(2)
  })

  it('keeps no failure, and says nothing of keeping with one', async () => {
    const { get, runs } = await open()
    for (const n of [1, 2]) {
      const answer = await get('/trpc/refused')
      expect([answer.status, statusOf(answer), runs.refused]).toEqual([500, null, n])
    }
  })

  it('refuses a bad input as ever, when a good one is known too', async () => {
    const { get } = await open()
    await get(one('list', { name: 'a' }))
    for (const bad of ['/trpc/list?input=%7B', '/trpc/list?input=', '/trpc/list', one('list', { name: 'a', x: 1 })])
      expect((await get(bad)).status).toBe(400)
  })
})

describe('what is kept', () => {
  it('goes to nobody who may not ask, or may see something else', async () => {
    const { get, runs } = await open()
    await get(one('list', { name: 'a' }), 'olga')
    expect((await get(one('list', { name: 'a' }), 'vera')).status).toBe(403)
    expect((await get(one('list', { name: 'a' }), 'nobody')).status).toBe(401)
    expect(runs.list).toBe(1)
    expect(statusOf(await get(one('list', { name: 'a' }), 'otto'))).toBe('Gantry; hit')
    for (const other of ['anna', 'paul'])
      expect(statusOf(await get(one('list', { name: 'a' }), other))).not.toContain('hit')
    expect(runs.list).toBe(3)
  })

  it('goes to its own reader alone where the query says so', async () => {
    const { get, runs } = await open()
    for (const who of ['olga', 'otto', 'olga', 'otto']) await get(one('own', { name: 'a' }), who)
    expect(runs.own).toBe(2)
  })

  it('is not what another build of the server made', async () => {
    const { kept, get, router, runs } = await open()
    await get(one('list', { name: 'a' }))
    const other = await startProbeServer({ router, authenticator, answers: new Answers(kept, 'build-2') })
    opened.push({ [Symbol.asyncDispose]: () => other.stop() })
    await fetch(other.url + one('list', { name: 'a' }), { headers: { authorization: 'olga' } })
    expect(runs.list).toBe(2)
  })

  it('serves REST too, and dates stay dates', async () => {
    const { get, runs } = await open()
    await get(one('list', { name: 'a' }))
    const answer = await get('/api/list?name=a')
    expect(await answer.json()).toEqual({ name: 'a', limit: 10, run: 1, at: '1970-01-01T00:00:00.000Z' })
    expect(runs.list).toBe(1)
  })
})

describe('a batch', () => {
  it('is put together from answers that were asked for one by one', async () => {
    const { get, runs } = await open()
    const [a, b] = [await get(one('list', { name: 'a' })), await get(one('own', { name: 'b' }))]
    const both = await get(batch(['list', { name: 'a' }], ['own', { name: 'b' }]))
    expect(statusOf(both)).toBe('Gantry; hit')
    expect(await both.text()).toBe(`[${await a.text()},${await b.text()}]`)
    expect(runs).toMatchObject({ list: 1, own: 1 })
  })

  it('is of the length that it says', async () => {
    const { get } = await open()
    const path = batch(['list', { name: 'a' }], ['list', { name: 'ü' }], ['list', { name: 'c' }])
    await get(path)
    const answer = await get(path)
    const text = await answer.text()
    expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
    expect(JSON.parse(text)).toMatchObject(['a', 'ü', 'c'].map((name) => ({ result: { data: { json: { name } } } })))
  })

  it('of one call is a list of one answer', async () => {
    const { get } = await open()
    await get(batch(['list', { name: 'a' }]))
    const again = await get(batch(['list', { name: 'a' }]))
    expect([statusOf(again), await again.json()]).toMatchObject(['Gantry; hit', [{ result: {} }]])
  })

  it('with one answer that is not known, or never kept, goes through the procedures', async () => {
    const { get, runs } = await open()
    await get(one('list', { name: 'a' }))
    const mixed = await get(batch(['list', { name: 'a' }], ['list', { name: 'b' }]))
    expect([statusOf(mixed), runs.list]).toEqual(['Gantry; fwd=miss', 2])
    const never = await get(batch(['list', { name: 'a' }], ['plain', null]))
    expect([statusOf(never), runs.list, runs.plain]).toEqual([null, 2, 1])
    expect(statusOf(await get(batch(['list', { name: 'b' }], ['list', { name: 'a' }])))).toBe('Gantry; hit')
  })

  it('of which one answer has expired makes those anew too that are about to expire', async () => {
    const clock = new ManualClock()
    const { get, runs } = await open({ clock })
    const [a, b, c] = ['a', 'b', 'c'].map((name) => ['list', { name }] as [string, object])
    await get(one('list', { name: 'a' }))
    await clock.advance(10_000)
    await get(one('list', { name: 'b' }))
    await clock.advance(20_000)
    await get(one('list', { name: 'c' }))
    await clock.advance(29_999)
    expect([statusOf(await get(batch(a!, b!, c!))), runs.list]).toEqual(['Gantry; hit', 3])
    await clock.advance(1)
    expect([statusOf(await get(batch(a!, b!, c!))), runs.list]).toEqual(['Gantry; fwd=miss', 5])
    await clock.advance(29_999)
    expect([statusOf(await get(batch(a!, b!, c!))), runs.list]).toEqual(['Gantry; hit', 5])
  })

  it('is streamed when the client asks for that', async () => {
    const { get } = await open()
    await get(batch(['list', { name: 'a' }]))
    for (const header of ['trpc-accept', 'accept']) {
      const streamed = await get(batch(['list', { name: 'a' }]), 'olga', { [header]: 'application/jsonl' })
      const lines = (await streamed.text()).trim().split('\n')
      expect([statusOf(streamed), lines.length > 1]).toEqual(['Gantry; fwd=miss', true])
    }
  })
})

it('an answer that was kept counts as a call: in the rate limit, the log and the metrics', async () => {
  const { get, url, lines } = await open({ ratePerMinute: 2, metricsToken: 'm'.repeat(32) })
  await get(one('list', { name: 'a' }))
  expect((await get(one('list', { name: 'a' }))).status).toBe(200)
  expect((await get(one('list', { name: 'a' }))).status).toBe(429)
  const logged = lines.filter(({ msg, procedures }) => msg === 'request' && String(procedures) === 'list')
  expect(logged.map(({ status, userId }) => [status, userId])).toEqual([
    [200, 'olga'],
    [200, 'olga'],
    [429, 'olga'],
  ])
  const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${'m'.repeat(32)}` } })
  expect(await metrics.text()).toMatch(/gantry_procedure_duration_seconds_count\{procedure="list"[^}]*\} 2/)
})
