import { describe, expect, it } from 'vitest'

import { createEndedSessions } from '../../db/ended-sessions.js'
import { newId } from '../../kernel/index.js'
import { openAuth } from '../../testing/auth-bench.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { createCleanupTokensHandler } from './cleanup-tokens.js'
import { cleanupTokens } from './auth.jobs.js'
import { LoginLimiter } from './login-limiter.js'

type Bench = Awaited<ReturnType<typeof openAuth>>

const LONG_AGO = new Date('2026-01-01T00:00:00Z')

const cleanUp = ({ prisma }: Bench, options: { batchSize?: number; signal?: AbortSignal } = {}) => {
  const { batchSize = 1_000, signal = new AbortController().signal } = options
  const handler = createCleanupTokensHandler({
    ...{ sessions: createEndedSessions(prisma), log: recordingLogger(), batchSize },
  })
  return handler.handle({ jobId: 'repeat', payload: {}, attempt: 1, attempts: 3, signal })
}

const left = async ({ prisma }: Bench) => [await prisma.session.count(), await prisma.refreshToken.count()]

/** Expired tokens under one session that lives. */
const addExpired = async ({ prisma }: Bench, count: number) => {
  const { id: sessionId } = await prisma.session.findFirstOrThrow()
  const rows = Array.from({ length: count }, () => ({ id: newId('refreshToken'), sessionId, expiresAt: LONG_AGO }))
  await prisma.refreshToken.createMany({ data: rows.map((row) => ({ ...row, tokenHash: row.id })) })
}

describe('CLEANUP_TOKENS', () => {
  it('keeps every token of a living family, so that one that comes again is still found out', async () => {
    await using bench = await openAuth()
    const { auth, login, prisma } = bench
    const first = await login()
    const second = await auth.refresh(first.refreshToken)
    const third = await auth.refresh(second.refreshToken)
    await cleanUp(bench)
    expect(await left(bench)).toEqual([1, 3])
    await expect(auth.refresh(first.refreshToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' })
    expect(await prisma.session.findFirst()).toMatchObject({ revokedReason: 'refresh_token_reused' })
    await expect(auth.refresh(third.refreshToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' })
    await cleanUp(bench)
    expect(await left(bench)).toEqual([0, 0])
  })

  it('removes sessions that expired or were ended with all their tokens, and expired tokens of the others', async () => {
    await using bench = await openAuth()
    const { auth, login, prisma } = bench
    const [alive, expired, ended] = [await login(), await login(), await login()]
    const idOf = async (refreshToken: string) => {
      const { accessToken } = await auth.refresh(refreshToken)
      return (await bench.authenticator.authenticate(`Bearer ${accessToken}`))?.sessionId ?? ''
    }
    await idOf(alive.refreshToken)
    await prisma.session.update({ where: { id: await idOf(expired.refreshToken) }, data: { expiresAt: LONG_AGO } })
    await prisma.session.update({ where: { id: await idOf(ended.refreshToken) }, data: { revokedAt: new Date() } })
    expect(await left(bench)).toEqual([3, 6])
    await cleanUp(bench)
    expect(await left(bench)).toEqual([1, 2])
    await addExpired(bench, 4)
    await cleanUp(bench)
    expect(await left(bench)).toEqual([1, 2])
  })

  it('goes on batch by batch until nothing is left, and stops between two when it is told to', async () => {
    await using bench = await openAuth()
    await bench.login()
    await addExpired(bench, 25)
    const stopped = AbortSignal.abort(new Error('told to stop'))
    await expect(cleanUp(bench, { signal: stopped })).rejects.toThrow('told to stop')
    expect(await left(bench)).toEqual([1, 26])
    await cleanUp(bench, { batchSize: 10 })
    expect(await left(bench)).toEqual([1, 1])
  })

  it('does no harm twice at once', async () => {
    await using bench = await openAuth()
    await bench.login()
    await addExpired(bench, 300)
    await Promise.all([1, 2, 3].map(() => cleanUp(bench, { batchSize: 7 })))
    await cleanUp(bench)
    expect(await left(bench)).toEqual([1, 1])
  })

  it.each([undefined, null, {}])('is understood from older producers, who send %s', (sent) => {
    expect(cleanupTokens.payload.parse(cleanupTokens.earlier?.[1]?.(sent))).toEqual({})
  })
})

it('a process forgets the login counters whose window is over by itself', async () => {
  let now = 1_000_000_000
  const limiter = new LoginLimiter({ now: () => now })
  for (let n = 0; n < 20; n += 1) await limiter.begin(`user-${n}@example.org`, '192.0.2.1')
  expect(limiter.size).toBe(41)
  now += 16 * 60_000
  await limiter.begin('ada@example.org', '192.0.2.2')
  expect(limiter.size).toBe(3)
})
