import { hash } from '@node-rs/argon2'
import { describe, expect, it } from 'vitest'

import { ensureFirstAdmin } from './first-admin.js'
import { openAuth, PASSWORD } from '../../testing/auth-bench.js'

const actorOf = async ({ authenticator }: Awaited<ReturnType<typeof openAuth>>, accessToken: string) => {
  const actor = await authenticator.authenticate(`Bearer ${accessToken}`)
  if (actor === null) throw new Error('nobody')
  return actor
}

describe('logging in', () => {
  it('gives tokens that name the user, and keeps neither password nor refresh token', async () => {
    await using bench = await openAuth()
    const { auth, login, prisma, userId } = bench
    const { user, accessToken, accessTokenExpiresAt, refreshToken, refreshTokenExpiresAt } = await login()
    expect(user).toEqual({
      id: userId,
      email: 'ada@example.org',
      displayName: 'Ada',
      role: 'operator',
      analyticsOptOut: false,
    })
    const actor = await actorOf(bench, accessToken)
    expect(actor).toMatchObject({ kind: 'user', id: userId, role: 'operator' })
    expect(await auth.me(actor)).toEqual(user)
    expect(accessTokenExpiresAt.getTime() - Date.now()).toBeLessThanOrEqual(600_000)
    expect(refreshTokenExpiresAt.getTime() - Date.now()).toBeGreaterThan(29 * 24 * 3_600_000)
    const [stored] = await prisma.user.findMany()
    expect(stored?.passwordHash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    const [session] = await prisma.session.findMany({ include: { refreshTokens: true } })
    expect(session).toMatchObject({ userAgent: 'test', ip: '192.0.2.1', revokedAt: null })
    expect(JSON.stringify(session)).not.toContain(refreshToken)
  })

  it('answers alike for a wrong password, an unknown and a disabled account', async () => {
    await using bench = await openAuth()
    const { login, prisma, move } = bench
    const timed = async (trying: () => Promise<unknown>) => {
      const began = performance.now()
      const error = await trying().then(
        () => null,
        (thrown: unknown) => thrown,
      )
      return { error, ms: performance.now() - began }
    }
    const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
    const known: number[] = []
    const unknown: number[] = []
    for (let n = 0; n < 7; n += 1) {
      const wrong = await timed(() => login('wrong'))
      const stranger = await timed(() => login('wrong', 'nobody@example.org'))
      expect([wrong.error, stranger.error]).toMatchObject([
        { code: 'INVALID_CREDENTIALS' },
        { code: 'INVALID_CREDENTIALS' },
      ])
      known.push(wrong.ms)
      unknown.push(stranger.ms)
      // Beyond the limit on failures.
      move(901_000)
    }
    // Without the hash of nobody an unknown account would be answered in a tenth of the time.
    expect(median(unknown)).toBeGreaterThan(median(known) / 3)
    await prisma.user.updateMany({ data: { disabledAt: new Date() } })
    await expect(login()).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
  })

  it('makes a hash of former, weaker parameters anew, also for several at once', async () => {
    await using bench = await openAuth()
    const { login, prisma } = bench
    const passwordHash = await hash(PASSWORD, { memoryCost: 8_192, timeCost: 1, parallelism: 1 })
    await prisma.user.updateMany({ data: { passwordHash } })
    await expect(login('wrong')).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    expect(await prisma.user.findFirst()).toMatchObject({ passwordHash })
    await Promise.all([login(), login(), login()])
    const stronger = (await prisma.user.findFirst())?.passwordHash
    expect(stronger).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    await login()
    expect(await prisma.user.findFirst()).toMatchObject({ passwordHash: stronger })
    expect(await prisma.session.count()).toBe(4)
  })

  it('is refused after five failures from one address, says for how long, and is open again afterwards', async () => {
    await using bench = await openAuth()
    const { auth, login, move } = bench
    for (let n = 0; n < 5; n += 1) {
      await expect(login('wrong')).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    }
    const refused = await login().catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'RATE_LIMITED' })
    const { retryAfterSeconds } = refused as { retryAfterSeconds: number }
    expect(retryAfterSeconds).toBeGreaterThan(800)
    expect(retryAfterSeconds).toBeLessThanOrEqual(900)
    const elsewhere = { userAgent: null, ip: '192.0.2.2' }
    await auth.login({ email: 'ada@example.org', password: PASSWORD }, elsewhere)
    move(901_000)
    await login()
  })
})

describe('refreshing', () => {
  it('turns a token into a new pair again and again within one session', async () => {
    await using bench = await openAuth()
    const { auth, login, prisma } = bench
    let { refreshToken, accessToken } = await login()
    const first = await actorOf(bench, accessToken)
    for (let n = 0; n < 3; n += 1) ({ refreshToken, accessToken } = await auth.refresh(refreshToken))
    expect(await actorOf(bench, accessToken)).toEqual(first)
    expect(await prisma.session.count()).toBe(1)
    expect(await prisma.refreshToken.count({ where: { usedAt: null } })).toBe(1)
  })

  it('ends the session when a superseded token comes again, and with it every later token', async () => {
    await using bench = await openAuth()
    const { auth, authenticator, login, prisma } = bench
    const stolen = (await login()).refreshToken
    const second = await auth.refresh(stolen)
    const third = await auth.refresh(second.refreshToken)
    await actorOf(bench, third.accessToken)
    await expect(auth.refresh(stolen)).rejects.toMatchObject({ code: 'SESSION_ENDED' })
    await expect(auth.refresh(third.refreshToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' })
    await expect(authenticator.authenticate(`Bearer ${third.accessToken}`)).rejects.toMatchObject({
      code: 'SESSION_ENDED',
    })
    expect(await prisma.session.findFirst()).toMatchObject({ revokedReason: 'refresh_token_reused' })
    expect(await prisma.event.findMany({ where: { type: 'session.ended' } })).toHaveLength(1)
  })

  it('gives another pair when the first answer was lost, and then only one of the two lines lives on', async () => {
    await using bench = await openAuth()
    const { auth, login } = bench
    const { refreshToken } = await login()
    const lost = await auth.refresh(refreshToken)
    const again = await auth.refresh(refreshToken)
    expect(again.refreshToken).not.toBe(lost.refreshToken)
    await auth.refresh(again.refreshToken)
    await expect(auth.refresh(lost.refreshToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' })
  })

  it('knows no grace after ten seconds', async () => {
    await using bench = await openAuth()
    const { auth, login, prisma } = bench
    const { refreshToken } = await login()
    await auth.refresh(refreshToken)
    await prisma.$executeRaw`update refresh_token set used_at = used_at - interval '11 seconds'`
    await expect(auth.refresh(refreshToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' })
  })

  it('of the same token many times at once leaves one session that still works', async () => {
    await using bench = await openAuth()
    const { auth, login } = bench
    const { refreshToken } = await login()
    const pairs = await Promise.all(Array.from({ length: 4 }, () => auth.refresh(refreshToken)))
    await auth.refresh(pairs[3]!.refreshToken)
  })

  it('is refused for an unknown token, an expired session and a disabled user', async () => {
    await using bench = await openAuth()
    const { auth, login, prisma } = bench
    const ended = { code: 'SESSION_ENDED' }
    await expect(auth.refresh('no token of ours at all')).rejects.toMatchObject(ended)
    const { refreshToken } = await login()
    await prisma.user.updateMany({ data: { disabledAt: new Date() } })
    await expect(auth.refresh(refreshToken)).rejects.toMatchObject(ended)
    await prisma.user.updateMany({ data: { disabledAt: null } })
    await prisma.session.updateMany({ data: { expiresAt: new Date(0) } })
    await expect(auth.refresh(refreshToken)).rejects.toMatchObject(ended)
  })
})

describe('the first admin', () => {
  it('is created once when several instances start at once, and can log in', async () => {
    await using bench = await openAuth()
    const { login, prisma, unitOfWork, users } = bench
    await prisma.user.deleteMany()
    const results = await Promise.all([1, 2, 3].map(() => ensureFirstAdmin({ unitOfWork, users })))
    const created = results.filter((result) => result !== null)
    expect(created).toHaveLength(1)
    expect(created[0]?.email).toBe('admin@gantry.local')
    expect(created[0]?.oneTimePassword).toMatch(/^[\w-]{20}$/)
    const { user } = await login(created[0]?.oneTimePassword ?? '', 'admin@gantry.local')
    expect(user.role).toBe('admin')
    expect(await ensureFirstAdmin({ unitOfWork, users })).toBeNull()
  })

  it('takes address and password from the configuration, and then shows none', async () => {
    await using bench = await openAuth()
    const { login, prisma, unitOfWork, users } = bench
    await prisma.user.deleteMany()
    const given = { email: 'Root@Example.org', password: 'given by hand' }
    expect(await ensureFirstAdmin({ unitOfWork, users, ...given })).toEqual({
      email: 'root@example.org',
      oneTimePassword: null,
    })
    await login('given by hand', 'root@example.org')
  })
})
