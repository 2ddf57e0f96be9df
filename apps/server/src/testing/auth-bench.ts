import { randomBytes } from 'node:crypto'

import { AesGcmSealer } from '../adapters/secrets/aes-gcm-sealer.js'
import { fixedKeys } from '../adapters/secrets/sealing-keys.js'
import { QuickCallerRepository } from '../db/callers.repository.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import { repositoriesFor } from '../db/repositories.js'
import { newId, onPrimary, unchangingKeys, type Clock, type EventBus, type StoredEvent } from '../kernel/index.js'
import { openTestDatabase, silentHook } from '../testing/open-database.js'
import { ApiKeyAuthenticator } from '../modules/auth/api-key-authenticator.js'
import { ApiKeysService } from '../modules/auth/api-keys.service.js'
import { AccessTokens } from '../modules/auth/access-tokens.js'
import { AuthService } from '../modules/auth/auth.service.js'
import { CallerAuthenticator } from '../modules/auth/caller-authenticator.js'
import { LoginLimiter } from '../modules/auth/login-limiter.js'
import { hashPassword } from '../modules/auth/passwords.js'
import { Reauthentication } from '../modules/auth/reauthentication.js'
import { SecondFactors } from '../modules/auth/second-factors.js'
import { SessionAuthenticator } from '../modules/auth/session-authenticator.js'

export const PASSWORD = 'correct horse battery staple'
export const EMAIL = 'ada@example.org'

/** A clock that stands still until it is moved. */
export const movableClock = () => {
  let offsetMs = 0
  const clock: Clock = { now: () => Date.now() + offsetMs }
  return { clock, move: (ms: number) => (offsetMs += ms) }
}

/** A bus on which the test speaks. */
export const quietBus = () => {
  const events: ((event: StoredEvent) => void)[] = []
  const gaps: (() => void)[] = []
  const hearing: ((hears: boolean) => void)[] = []
  const bus: Pick<EventBus, 'onEvent' | 'onGap' | 'onHearing'> = {
    onEvent: (handler) => {
      events.push(handler)
      return () => undefined
    },
    onGap: (handler) => {
      gaps.push(handler)
      return () => undefined
    },
    onHearing: (handler) => {
      hearing.push(handler)
      handler(true)
      return () => undefined
    },
  }
  return {
    bus,
    say: (event: StoredEvent) => events.forEach((handler) => handler(event)),
    lose: () => gaps.forEach((handler) => handler()),
    hear: (hears: boolean) => hearing.forEach((handler) => handler(hears)),
  }
}

/** The auth module on a database of its own, with one user. */
export const openAuth = async () => {
  const database = await openTestDatabase()
  const { prisma } = database
  const { clock, move } = movableClock()
  const reads = onPrimary(repositoriesFor(prisma))
  const callers = onPrimary(new QuickCallerRepository(database.quickRead))
  const { users } = reads
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const tokens = new AccessTokens({ keys: unchangingKeys(randomBytes(32)), lifetimeSeconds: 600, clock })
  const { bus, say, lose } = quietBus()
  const sessions = new SessionAuthenticator({ tokens, callers, bus, clock })
  const used: string[] = []
  const keys = new ApiKeyAuthenticator({ callers, bus, clock, used: (keyId) => void used.push(keyId) })
  const authenticator = new CallerAuthenticator(sessions, keys)
  const limiter = new LoginLimiter(clock)
  const reauthentication = new Reauthentication({ reads, limiter, clock })
  const sealer = new AesGcmSealer(fixedKeys([randomBytes(32)]))
  const secondFactors = new SecondFactors({ unitOfWork, reads, sealer, reauthentication })
  const auth = new AuthService({
    unitOfWork,
    reads,
    tokens,
    limiter,
    secondFactors,
    forgetSession: (sessionId) => sessions.forget(sessionId),
    refreshTokenDays: 30,
    sessionMaxDays: 90,
  })
  const apiKeys = new ApiKeysService({ unitOfWork, reads, reauthentication, forgetKey: (keyId) => keys.forget(keyId) })
  const userId = newId('user')
  const passwordHash = await hashPassword(PASSWORD)
  await users.create({ id: userId, email: EMAIL, displayName: 'Ada', passwordHash, role: 'operator' })
  const origin = { userAgent: 'test', ip: '192.0.2.1' }
  return {
    prisma,
    clock,
    move,
    say,
    lose,
    users,
    unitOfWork,
    tokens,
    limiter,
    authenticator,
    reauthentication,
    forgetSession: (sessionId: string) => sessions.forget(sessionId),
    auth,
    secondFactors,
    apiKeys,
    used,
    userId,
    login: (password = PASSWORD, email = EMAIL, code?: string) => auth.login({ email, password, code }, origin),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}
