import { randomBytes } from 'node:crypto'

import pg from 'pg'

import { newId, onPrimary, systemClock, unchangingKeys, type Authenticator } from '../src/kernel/index.js'
import { QuickCallerRepository } from '../src/db/callers.repository.js'
import { AccessTokens } from '../src/modules/auth/access-tokens.js'
import { ApiKeyAuthenticator } from '../src/modules/auth/api-key-authenticator.js'
import { newApiKeyToken } from '../src/modules/auth/api-key-token.js'
import { CallerAuthenticator } from '../src/modules/auth/caller-authenticator.js'
import { SessionAuthenticator } from '../src/modules/auth/session-authenticator.js'
import { startDatabase, type BenchDatabase } from './bench-database.js'
import { median, range, type Bench, type BenchOptions, type BenchResult, type Row } from './report.js'

const AIM_AGAIN_US = 5
const AIM_FIRST_US = 300
/** Calls between two looks at the clock: one takes less than the clock can tell. */
const STRIDE = 500
const CROWD = 200

/** The least that can be asked of a session. */
const FLOOR = 'SELECT u.id, u.role FROM session s JOIN app_user u ON u.id = s.user_id WHERE s.id = $1'

const bus = {
  onEvent: () => () => undefined,
  onGap: () => () => undefined,
  onHearing: (handler: (hears: boolean) => void) => (handler(true), () => undefined),
}

/** As in one process of those that share the key. */
const openAuthenticator = ({ quickRead }: BenchDatabase, signingKey: Uint8Array) => {
  const callers = onPrimary(new QuickCallerRepository(quickRead))
  const tokens = new AccessTokens({ keys: unchangingKeys(signingKey), lifetimeSeconds: 600, clock: systemClock })
  const sessions = new SessionAuthenticator({ tokens, callers, bus, clock: systemClock })
  const keys = new ApiKeyAuthenticator({ callers, bus, clock: systemClock, used: () => undefined })
  return { tokens, authenticator: new CallerAuthenticator(sessions, keys) }
}

/** Headers of so many sessions, and of so many keys, all of one user. */
const seed = async ({ prisma }: BenchDatabase, tokens: AccessTokens, count: number) => {
  const userId = newId('user')
  const user = { id: userId, email: 'ada@example.org', displayName: 'Ada', passwordHash: '', role: 'operator' as const }
  await prisma.user.create({ data: user })
  const expiresAt = new Date(Date.now() + 3_600_000)
  const sessionIds = Array.from({ length: count }, () => newId('session'))
  await prisma.session.createMany({ data: sessionIds.map((id) => ({ id, userId, expiresAt })) })
  const made = Array.from({ length: count }, () => {
    const id = newId('apiKey')
    return { id, ...newApiKeyToken(id) }
  })
  const key = { userId, name: 'bench', scopes: ['files.read', 'printers.read', 'printJobs.submit'] }
  await prisma.apiKey.createMany({ data: made.map(({ id, secretHash }) => ({ ...key, id, secretHash })) })
  const issued = sessionIds.map((sessionId) => tokens.issue({ userId, sessionId, role: 'operator' }))
  const bearer = (token: string) => `Bearer ${token}`
  return {
    sessionIds,
    tokens: (await Promise.all(issued)).map(({ token }) => bearer(token)),
    keys: made.map(({ token }) => bearer(token)),
  }
}

/** Microseconds of one call, by sample. */
const again = async (authenticator: Authenticator, header: string | undefined, samples: number): Promise<number[]> => {
  const took: number[] = []
  // The first warms up.
  for (let sample = 0; sample <= samples; sample += 1) {
    const began = performance.now()
    for (let n = 0; n < STRIDE; n += 1) await authenticator.authenticate(header)
    if (sample > 0) took.push(((performance.now() - began) / STRIDE) * 1_000)
  }
  return took
}

type Ways = Record<'given' | 'foreign' | 'key' | 'floor', (n: number) => Promise<unknown>>

/** Microseconds of one call, by way; all in turn, so that what else the machine does strikes each. */
const firstTimes = async (ways: Ways, count: number) => {
  const took: Record<keyof Ways, number[]> = { given: [], foreign: [], key: [], floor: [] }
  const names = Object.keys(took) as (keyof Ways)[]
  for (let n = 0; n < count; n += 1) {
    for (const name of names) {
      const began = performance.now()
      await ways[name](n)
      // The first half opens connections, plans and compiles, which a server does once.
      if (n >= count / 2) took[name].push((performance.now() - began) * 1_000)
    }
  }
  return took
}

/** Milliseconds until so many callers of whom nothing is known are known, who all come at once. */
const crowd = async (open: () => Authenticator, headers: readonly string[]): Promise<number[]> => {
  const took: number[] = []
  for (let from = 0; from + CROWD <= headers.length; from += CROWD) {
    const authenticator = open()
    const began = performance.now()
    await Promise.all(headers.slice(from, from + CROWD).map((header) => authenticator.authenticate(header)))
    took.push(performance.now() - began)
  }
  return took
}

const rowOf = (what: string, took: readonly number[], without: number, aim: number): Row => ({
  what,
  value: `${(median(took) - without).toFixed(1)} µs`,
  note: `median beyond none at all; samples ${range(took, 1)}, aim at most ${aim} µs`,
})

const measure = async (database: BenchDatabase, pool: pg.Pool, { quick, progress }: BenchOptions) => {
  const [samples, callers] = quick ? [5, 40] : [100, 2_000]
  const signingKey = randomBytes(32)
  const open = () => openAuthenticator(database, signingKey)
  const [{ tokens, authenticator }, other] = [open(), open()]
  const headers = await seed(database, tokens, callers)
  const header = (of: readonly string[], n: number) => of[n] ?? ''
  progress('the first time')
  const first = await firstTimes(
    {
      given: (n) => authenticator.authenticate(header(headers.tokens, n)),
      foreign: (n) => other.authenticator.authenticate(header(headers.tokens, n)),
      key: (n) => authenticator.authenticate(header(headers.keys, n)),
      floor: (n) => pool.query({ name: 'floor', text: FLOOR, values: [header(headers.sessionIds, n)] }),
    },
    callers,
  )
  progress('again')
  const none = await again(authenticator, undefined, samples)
  const known = {
    token: await again(authenticator, headers.tokens.at(-1), samples),
    key: await again(authenticator, headers.keys.at(-1), samples),
  }
  progress('all at once')
  const atOnce = await crowd(() => open().authenticator, headers.tokens)
  return { first, none, known, atOnce }
}

const rowsOf = ({ first, none, known, atOnce }: Awaited<ReturnType<typeof measure>>): Row[] => {
  const without = median(none)
  return [
    { what: 'nobody', value: `${without.toFixed(2)} µs`, note: 'no header: what the others are beyond' },
    rowOf('a token seen within the minute', known.token, without, AIM_AGAIN_US),
    rowOf('a key seen within the minute', known.key, without, AIM_AGAIN_US),
    rowOf('a token for the first time, given by this process', first.given, without, AIM_FIRST_US),
    rowOf('a token for the first time, given by another', first.foreign, without, AIM_FIRST_US),
    rowOf('a key for the first time', first.key, without, AIM_FIRST_US),
    { what: 'a bare read by pg', value: `${median(first.floor).toFixed(1)} µs`, note: 'the floor: two tables, by id' },
    ...(atOnce.length === 0
      ? []
      : [
          {
            what: `${CROWD} tokens at once, given by another`,
            value: `${median(atOnce).toFixed(1)} ms`,
            note: `until all are known; ${range(atOnce, 1)}`,
          },
        ]),
  ]
}

const run = async (options: BenchOptions): Promise<BenchResult> => {
  const database = await startDatabase()
  const pool = new pg.Pool({ connectionString: database.url, max: 1 })
  try {
    const data = await measure(database, pool, options)
    return { name: 'authentication', title: 'To know who calls, per call', rows: rowsOf(data), data }
  } finally {
    await pool.end()
    await database.stop()
  }
}

/** What it costs to know a caller: one seen within the last minute, and the first time. */
export const authenticationBench: Bench = { name: 'authentication', run }
