import { LRUCache } from 'lru-cache'

import {
  GantryError,
  inRole,
  type Actor,
  type Authenticator,
  type Clock,
  type EventBus,
  type Primary,
} from '../../kernel/index.js'
import type { AccessTokens } from './access-tokens.js'
import type { LiveSession, UserRepository } from './auth.ports.js'

const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 10_000
const BEARER = /^Bearer +([\w~+/.=-]+) *$/i

export interface SessionAuthenticatorOptions {
  tokens: AccessTokens
  reads: Primary<{ users: Pick<UserRepository, 'findLiveSession'> }>
  bus: Pick<EventBus, 'onEvent' | 'onGap'>
  clock: Clock
}

interface Remembered {
  session: LiveSession
  untilMs: number
}

const actorOf = (sessionId: string, { userId, role }: LiveSession): Actor => ({
  kind: 'user',
  id: userId,
  ...inRole(role),
  sessionId,
  apiKeyId: null,
  scope: { printerGroups: 'all', projects: 'all' },
})

/**
 * Knows callers by their access token, and asks the database whether the token's session and user still live. The
 * answer is remembered for a minute, or until the session's end is heard of.
 */
export class SessionAuthenticator implements Authenticator {
  private readonly remembered = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED })
  /** Grows with everything forgotten; what was asked before may then no longer be remembered. */
  private forgotten = 0

  constructor(private readonly options: SessionAuthenticatorOptions) {
    options.bus.onEvent((event) => {
      if (event.type === 'session.ended') this.forget(event.payload.sessionId)
    })
    options.bus.onGap(() => {
      this.forgotten += 1
      this.remembered.clear()
    })
  }

  async authenticate(authorization: string | undefined): Promise<Actor | null> {
    if (authorization === undefined) return null
    const token = BEARER.exec(authorization)?.[1]
    if (token === undefined) throw new GantryError('UNAUTHENTICATED', { detail: 'the credentials are no bearer token' })
    const { tokens } = this.options
    // What is known is not waited for: most requests need nothing else.
    const { userId, sessionId } = tokens.recall(token) ?? (await failingClosed(tokens.verify(token)))
    const session = this.recalledSession(sessionId) ?? (await this.liveSession(sessionId))
    if (session?.userId !== userId) throw new GantryError('SESSION_ENDED')
    return actorOf(sessionId, session)
  }

  async stillValid({ kind, id, role, sessionId }: Actor): Promise<boolean> {
    if (kind === 'system') return true
    if (sessionId === null) return false
    const session = this.recalledSession(sessionId) ?? (await this.liveSession(sessionId))
    // A stream was opened with the role of that time.
    return session?.userId === id && session.role === role
  }

  /** Called in the process that ended the session, before anybody is told that it did. */
  forget(sessionId: string): void {
    this.forgotten += 1
    this.remembered.delete(sessionId)
  }

  private recalledSession(sessionId: string): LiveSession | undefined {
    const known = this.remembered.get(sessionId)
    return known !== undefined && this.options.clock.now() < known.untilMs ? known.session : undefined
  }

  private async liveSession(sessionId: string): Promise<LiveSession | null> {
    const { reads, clock } = this.options
    const { forgotten } = this
    const untilMs = clock.now() + REMEMBERED_MS
    const session = await failingClosed(reads.users.findLiveSession(sessionId))
    if (session === null) this.remembered.delete(sessionId)
    else if (forgotten === this.forgotten) this.remembered.set(sessionId, { session, untilMs })
    return session
  }
}

/** Whatever goes wrong while somebody is being recognised is `UNAVAILABLE`: never a yes, never an anonymous caller. */
const failingClosed = async <T>(checking: Promise<T>): Promise<T> => {
  try {
    return await checking
  } catch (cause) {
    if (cause instanceof GantryError) throw cause
    throw new GantryError('UNAVAILABLE', { detail: 'the caller could not be checked', cause })
  }
}
