import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { failureOf, startSdkBench, type SdkBench } from '../sdk/sdk-bench.js'

/** For a connection, and then for the statement on it. */
const TIMEOUT_MS = 2_000
/** Far above both, and far below what a request may take at most: whoever waits that long hangs. */
const HANGS_MS = 15_000
const POOL_SIZE = 2
/** More than get a connection within the time, one lot after another. */
const CROWD = 6

let bench: SdkBench
let printerId: string

beforeAll(async () => {
  bench = await startSdkBench({ DB_POOL_SIZE: String(POOL_SIZE), DB_TIMEOUT_MS: String(TIMEOUT_MS) })
  const host = { kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false } as const
  printerId = (await bench.app.admin.trpc.printers.create.mutate({ ...host, name: 'Wanted' })).id
})
afterAll(() => bench[Symbol.asyncDispose]())

/** Every statement about printers waits, until the result is called. */
const lockPrinters = async (): Promise<() => Promise<void>> => {
  const client = new pg.Client(bench.app.databaseUrl)
  await client.connect()
  await client.query('BEGIN; LOCK TABLE printer IN ACCESS EXCLUSIVE MODE')
  return () => client.end()
}

const send = (path: string, body?: object): Promise<Response> =>
  fetch(bench.app.url + path, {
    headers: { ...bench.app.admin.headers, 'Content-Type': 'application/json' },
    signal: AbortSignal.timeout(HANGS_MS),
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  })

const inputs = (value: object) => `input=${encodeURIComponent(JSON.stringify(value))}`

const WAYS = {
  'REST, reading': () => send(`/api/printers/${printerId}`),
  'REST, writing': () => send(`/api/printers/${printerId}/hold`, {}),
  'tRPC, reading': () => send(`/trpc/printers.get?${inputs({ json: { id: printerId } })}`),
  'tRPC, writing': () => send('/trpc/printers.hold', { json: { id: printerId } }),
  'tRPC, a batch': () => {
    const call = { json: { id: printerId } }
    return send(`/trpc/printers.get,printers.get?batch=1&${inputs({ 0: call, 1: call })}`)
  },
}

interface Failed {
  error: { json?: { data: unknown } }
}

/** The errors that an answer holds. */
const errorsIn = async (response: Response): Promise<unknown[]> => {
  const body = (await response.json()) as Failed | Failed[]
  return [body].flat().map(({ error }) => error.json?.data ?? error)
}

/** How many operations were refused because nobody gave a connection back, and not because a statement took too long. */
const withoutConnection = () =>
  bench.app.logLines.filter((line) => line.includes('timeout exceeded when trying to connect')).length

const waitingForLock = async () => {
  const [row] = await bench.app.prisma.$queryRaw<{ n: number }[]>`
    select count(*)::int as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`
  return row?.n
}

const poolWaiting = async () => {
  const text = await (await send('/metrics')).text()
  return /^gantry_database_pool_waiting\{database="primary"\} (\d+)$/m.exec(text)?.[1]
}

describe('a database whose connections are all in use', () => {
  it.each(Object.entries(WAYS))('is 503 and says when to come back, to each that asks by %s', async (_way, ask) => {
    const before = withoutConnection()
    const unlock = await lockPrinters()
    try {
      const answers = await Promise.all(Array.from({ length: CROWD }, ask))
      const refused = answers.map(({ status, headers }) => [status, headers.get('retry-after')])
      expect(refused).toEqual(Array.from({ length: CROWD }, () => [503, '1']))
      for (const told of (await Promise.all(answers.map(errorsIn))).flat())
        expect(told).toMatchObject({ code: 'UNAVAILABLE', retryable: true, retryAfterSeconds: 1 })
      expect(withoutConnection()).toBeGreaterThan(before)
    } finally {
      await unlock()
    }
    // At once, and nobody is left in line.
    expect((await ask()).status).toBe(200)
    expect(await poolWaiting()).toBe('0')
  })

  it('answers everybody in line when a connection becomes free in time', async () => {
    const unlock = await lockPrinters()
    const asked = Object.values(WAYS).flatMap((ask) => [ask(), ask()])
    await expect.poll(waitingForLock, { interval: 20 }).toBe(POOL_SIZE)
    await unlock()
    const answers = await Promise.all(asked)
    expect(answers.map(({ status }) => status)).toEqual(asked.map(() => 200))
    expect(await poolWaiting()).toBe('0')
  })
})

describe('a server of such a database', () => {
  it('stays ready: the next one would be no better off', async () => {
    const unlock = await lockPrinters()
    const asked = Array.from({ length: CROWD }, WAYS['REST, reading'])
    await expect.poll(async () => Number(await poolWaiting())).toBeGreaterThan(0)
    const statuses: number[] = []
    while (Number(await poolWaiting()) > 0) statuses.push((await send('/ready')).status)
    await unlock()
    await Promise.all(asked)
    expect(new Set(statuses)).toEqual(new Set([200]))
  })
})

describe('a client of such a server', () => {
  it('gets the typed error and its wait, from single calls and from those that travel together', async () => {
    const gantry = await bench.loggedIn({ retry: { attempts: 1 } })
    await gantry.auth.me()
    const unlock = await lockPrinters()
    try {
      const crowd = Array.from({ length: CROWD }, () => gantry.printers.get({ id: printerId }))
      const failures = await Promise.all([...crowd, gantry.printers.hold({ id: printerId })].map(failureOf))
      for (const failure of failures)
        expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true, retryAfterSeconds: 1 })
    } finally {
      await unlock()
    }
    expect((await gantry.printers.get({ id: printerId })).id).toBe(printerId)
  })

  it('comes back by itself when it is told to, and then gets its answer', async () => {
    const gantry = await bench.loggedIn()
    await gantry.auth.me()
    bench.proxy.seen.length = 0
    const unlock = await lockPrinters()
    const asked = gantry.printers.get({ id: printerId })
    await expect.poll(() => bench.proxy.seen.length).toBe(2)
    await unlock()
    expect((await asked).id).toBe(printerId)
  })
})
