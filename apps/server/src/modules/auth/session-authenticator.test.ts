import { randomBytes } from 'node:crypto'

import type { UserRole } from '@gantry/schemas'
import { SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'

import {
  EVERYTHING,
  GantryError,
  inRole,
  newId,
  onPrimary,
  type StoredEvent,
  unchangingKeys,
} from '../../kernel/index.js'
import { AccessTokens } from './access-tokens.js'
import { ApiKeyAuthenticator } from './api-key-authenticator.js'
import type { UserRights } from './auth.ports.js'
import { CallerAuthenticator } from './caller-authenticator.js'
import { SessionAuthenticator } from './session-authenticator.js'
import { movableClock, quietBus } from '../../testing/auth-bench.js'

const ended = (sessionId: string): StoredEvent => ({
  cursor: '1-1',
  type: 'session.ended',
  subjectType: 'session',
  subjectId: sessionId,
  payload: { sessionId, userId: '' },
  actorId: null,
  createdAt: new Date(),
  printerGroupId: null,
  projectId: null,
})

const open = async () => {
  const { clock, move } = movableClock()
  const { bus, say, lose, hear } = quietBus()
  const signingKey = randomBytes(32)
  const tokens = new AccessTokens({ keys: unchangingKeys(signingKey), lifetimeSeconds: 600, clock })
  const userId = newId('user')
  const sessionId = newId('session')
  const rights = (role: UserRole): UserRights => ({ userId, ...inRole(role), scope: EVERYTHING })
  const database = { asked: 0, answer: (): Promise<UserRights | null> => Promise.resolve(rights('viewer')) }
  const callers = onPrimary({
    findLiveSession: () => {
      database.asked += 1
      return database.answer()
    },
    findLiveKey: () => Promise.resolve(null),
  })
  const sessions = new SessionAuthenticator({ tokens, callers, bus, clock })
  const apiKeys = new ApiKeyAuthenticator({ callers, bus, clock, used: () => undefined })
  const authenticator = new CallerAuthenticator(sessions, apiKeys)
  const { token } = await tokens.issue({ userId, sessionId, role: 'viewer' })
  const ask = (header: string | undefined = `Bearer ${token}`) => authenticator.authenticate(header)
  return {
    authenticator,
    sessions,
    rights,
    ask,
    database,
    move,
    say,
    lose,
    hear,
    signingKey,
    token,
    tokens,
    userId,
    sessionId,
  }
}

const unauthenticated = { code: 'UNAUTHENTICATED' }

describe('the authenticator', () => {
  it('knows nobody without a header, and refuses every header that is not a token of ours', async () => {
    const { authenticator, ask, token } = await open()
    expect(await authenticator.authenticate(undefined)).toBeNull()
    const [head = '', body = '', signature = ''] = token.split('.')
    const headers = ['', 'Bearer', 'Bearer ', `Basic ${token}`, token, 'Bearer garbage', `Bearer ${head}.${body}.`]
    for (const header of [...headers, `Bearer ${head}.${body}.${signature.toLowerCase()}`]) {
      await expect(ask(header), header).rejects.toMatchObject(unauthenticated)
    }
  })

  it('refuses tokens of another algorithm, key, type, issuer or audience, and expired ones', async () => {
    const { ask, move, signingKey, tokens, userId, sessionId } = await open()
    const claims = { sid: sessionId, role: 'admin' }
    const forged = (header: object, key = signingKey) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', ...header })
        .setSubject(userId)
        .setIssuer('gantry')
        .setAudience('gantry-api')
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(key)
    const none = new UnsecuredJWT(claims).setSubject(userId).setIssuer('gantry').setAudience('gantry-api').encode()
    const bad = [
      none,
      await forged({ typ: 'at+jwt', alg: 'HS512' }, randomBytes(64)),
      await forged({ typ: 'at+jwt' }, randomBytes(32)),
      await forged({ typ: 'at+jwt' }),
      await forged({ typ: 'JWT' }),
      await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).setSubject(userId).sign(signingKey),
    ]
    for (const token of bad) await expect(ask(`Bearer ${token}`)).rejects.toMatchObject(unauthenticated)
    const { token } = await tokens.issue({ userId, sessionId, role: 'viewer' })
    move(606_000)
    await expect(ask(`Bearer ${token}`)).rejects.toMatchObject(unauthenticated)
  })

  it('takes the role from the database, and remembers it for a minute', async () => {
    const { ask, database, move, rights, userId } = await open()
    await ask()
    database.answer = () => Promise.resolve(rights('admin'))
    expect(await ask()).toMatchObject({ id: userId, role: 'viewer' })
    expect(database.asked).toBe(1)
    move(60_001)
    expect(await ask()).toMatchObject({ id: userId, role: 'admin' })
    expect(database.asked).toBe(2)
  })

  it('refuses a user who was disabled without a word within the minute, though the token is known to be good', async () => {
    const { ask, database, move } = await open()
    await ask()
    database.answer = () => Promise.resolve(null)
    move(60_001)
    for (let n = 0; n < 2; n += 1) await expect(ask()).rejects.toMatchObject({ code: 'SESSION_ENDED' })
    expect(database.asked).toBe(3)
  })

  it('leaves a stream open for no more than a minute after its user was disabled without a word', async () => {
    const { authenticator, ask, database, move } = await open()
    const actor = (await ask())!
    move(29_000)
    database.answer = () => Promise.resolve(null)
    // As often as streams are rechecked.
    let lived = 0
    do {
      move(30_000)
      lived += 30_000
    } while (await authenticator.stillValid(actor))
    expect(lived).toBeLessThanOrEqual(60_000)
    database.answer = () => Promise.reject(new Error('away'))
    await expect(authenticator.stillValid(actor)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it.each(['this process', 'an event', 'a gap'])('forgets a session when %s says so', async (source) => {
    const { authenticator, sessions, ask, database, say, lose, sessionId } = await open()
    const actor = await ask()
    database.answer = () => Promise.resolve(null)
    expect(await authenticator.stillValid(actor!)).toBe(true)
    if (source === 'this process') sessions.forget(sessionId)
    else if (source === 'an event') say(ended(sessionId))
    else lose()
    expect(await authenticator.stillValid(actor!)).toBe(false)
    await expect(ask()).rejects.toMatchObject({ code: 'SESSION_ENDED' })
  })

  it('remembers nobody while it could not hear that a session has ended, and again when it can', async () => {
    const { ask, database, hear } = await open()
    const { answer } = database
    await ask()
    hear(false)
    database.answer = () => Promise.reject(new Error('nobody answers'))
    await expect(ask()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    database.answer = answer
    for (const asked of [3, 4]) expect([(await ask())?.role, database.asked]).toEqual(['viewer', asked])
    hear(true)
    for (const asked of [5, 5]) expect([(await ask())?.role, database.asked]).toEqual(['viewer', asked])
  })

  it('forgets the sessions of a user of whom something has changed, and ends streams of one who sees less now', async () => {
    const { authenticator, ask, database, say, rights, userId } = await open()
    const actor = await ask()
    database.answer = () => Promise.resolve({ ...rights('viewer'), scope: { printerGroups: [], projects: 'all' } })
    say({ ...ended(''), type: 'user.updated', payload: { userId: newId('user') } })
    expect(await authenticator.stillValid(actor!)).toBe(true)
    say({ ...ended(''), type: 'user.updated', payload: { userId } })
    expect(await authenticator.stillValid(actor!)).toBe(false)
    expect(await ask()).toMatchObject({ scope: { printerGroups: [] } })
  })

  it('does not remember what it asked before the session ended', async () => {
    const { ask, sessions, rights, database, sessionId } = await open()
    let answer: (session: UserRights) => void = () => undefined
    database.answer = () => new Promise((resolve) => (answer = resolve))
    const asking = ask()
    await expect.poll(() => database.asked).toBe(1)
    sessions.forget(sessionId)
    answer(rights('viewer'))
    await asking
    database.answer = () => Promise.resolve(null)
    await expect(ask()).rejects.toMatchObject({ code: 'SESSION_ENDED' })
  })

  it('asks once for many who come at once, and anew for those who come after something was forgotten', async () => {
    const { ask, sessions, rights, database, userId, sessionId, move } = await open()
    const answers: ((session: UserRights) => void)[] = []
    database.answer = () => new Promise((resolve) => answers.push(resolve))
    const early = Array.from({ length: 20 }, () => ask())
    await expect.poll(() => answers.length).toBe(1)
    sessions.forgetUser(userId)
    const late = Array.from({ length: 20 }, () => ask())
    await expect.poll(() => answers.length).toBe(2)
    answers[1]?.(rights('admin'))
    for (const actor of await Promise.all(late)) expect(actor).toMatchObject({ role: 'admin' })
    answers[0]?.(rights('viewer'))
    for (const actor of await Promise.all(early)) expect(actor).toMatchObject({ role: 'viewer' })
    expect(await ask()).toMatchObject({ id: userId, role: 'admin' })

    // What failed is not waited for by whoever comes later.
    sessions.forget(sessionId)
    database.answer = () => Promise.reject(new Error('boom'))
    await Promise.all([ask(), ask()].map((each) => expect(each).rejects.toMatchObject({ code: 'UNAVAILABLE' })))
    expect(database.asked).toBe(3)
    database.answer = () => Promise.resolve(rights('viewer'))
    expect(await ask()).toMatchObject({ role: 'viewer' })
    move(60_001)
    await Promise.all([ask(), ask(), ask()])
    expect(database.asked).toBe(5)
  })

  it('is unavailable, and lets nobody in, when the database cannot answer', async () => {
    const { authenticator, sessions, ask, database } = await open()
    const actor = await ask()
    for (const error of [new Error('boom'), new GantryError('UNAVAILABLE')]) {
      const fresh = await open()
      fresh.database.answer = () => Promise.reject(error)
      await expect(fresh.ask()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    }
    sessions.forget(actor!.sessionId!)
    database.answer = () => Promise.reject(new Error('boom'))
    await expect(authenticator.stillValid(actor!)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
