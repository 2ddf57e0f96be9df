import { randomBytes } from 'node:crypto'

import { newId, onPrimary, systemClock, unchangingKeys, type Authenticator } from '../src/kernel/index.js'
import { repositoriesFor } from '../src/db/repositories.js'
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

const bus = { onEvent: () => () => undefined, onGap: () => () => undefined }

const openAuthenticator = ({ prisma }: BenchDatabase) => {
  const reads = onPrimary(repositoriesFor(prisma))
  const tokens = new AccessTokens({ keys: unchangingKeys(randomBytes(32)), lifetimeSeconds: 600, clock: systemClock })
  const sessions = new SessionAuthenticator({ tokens, reads, bus, clock: systemClock })
  const keys = new ApiKeyAuthenticator({ reads, bus, clock: systemClock, used: () => undefined })
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

const firstTime = async (authenticator: Authenticator, headers: readonly string[]): Promise<number[]> => {
  const took: number[] = []
  for (const header of headers) {
    const began = performance.now()
    await authenticator.authenticate(header)
    took.push((performance.now() - began) * 1_000)
  }
  // The first of them open connections and compile.
  return took.slice(Math.floor(took.length / 4))
}

const rowOf = (what: string, took: readonly number[], without: number, aim: number): Row => ({
  what,
  value: `${(median(took) - without).toFixed(1)} µs`,
  note: `median beyond none at all; samples ${range(took, 1)}, aim at most ${aim} µs`,
})

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const [samples, callers] = quick ? [5, 40] : [100, 400]
  const database = await startDatabase()
  try {
    const { tokens, authenticator } = openAuthenticator(database)
    const headers = await seed(database, tokens, callers)
    progress('the first time')
    const first = {
      token: await firstTime(authenticator, headers.tokens),
      key: await firstTime(authenticator, headers.keys),
    }
    progress('again')
    const none = await again(authenticator, undefined, samples)
    const known = {
      token: await again(authenticator, headers.tokens.at(-1), samples),
      key: await again(authenticator, headers.keys.at(-1), samples),
    }
    const without = median(none)
    const rows = [
      { what: 'nobody', value: `${without.toFixed(2)} µs`, note: 'no header: what the others are beyond' },
      rowOf('a token seen within the minute', known.token, without, AIM_AGAIN_US),
      rowOf('a key seen within the minute', known.key, without, AIM_AGAIN_US),
      rowOf('a token for the first time', first.token, without, AIM_FIRST_US),
      rowOf('a key for the first time', first.key, without, AIM_FIRST_US),
    ]
    return { name: 'authentication', title: 'To know who calls, per call', rows, data: { none, known, first } }
  } finally {
    await database.stop()
  }
}

/** What it costs to know a caller: one seen within the last minute, and the first time. */
export const authenticationBench: Bench = { name: 'authentication', run }
