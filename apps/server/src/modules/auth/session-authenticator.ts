import { LRUCache } from 'lru-cache'

import { GantryError, type Actor, type Clock, type EventBus, type Primary } from '../../kernel/index.js'
import { sightOf } from '../../kernel/sight.js'
import type { AccessTokens } from './access-tokens.js'
import { failingClosed } from './failing-closed.js'
import { isAboutUser } from './user-events.js'
import type { UserRepository, UserRights } from './auth.ports.js'

const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 10_000

export interface SessionAuthenticatorOptions {
  tokens: AccessTokens
  reads: Primary<{ users: Pick<UserRepository, 'findLiveSession'> }>
  bus: Pick<EventBus, 'onEvent' | 'onGap'>
  clock: Clock
}

interface Remembered {
  session: UserRights
  untilMs: number
}

const actorOf = (sessionId: string, { userId, role, permissions, scope }: UserRights): Actor => ({
  kind: 'user',
  id: userId,
  role,
  permissions,
  sessionId,
  apiKeyId: null,
  scope,
})

/**
 * Knows people by their access token, and asks the database whether the token's session and user still live. The
 * answer is remembered for a minute, or until the session's end is heard of.
 */
export class SessionAuthenticator {
  private readonly remembered = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED })
  /** Grows with everything forgotten; what was asked before may then no longer be remembered. */
  private forgotten = 0

  constructor(private readonly options: SessionAuthenticatorOptions) {
    options.bus.onEvent((event) => {
      if (event.type === 'session.ended') this.forget(event.payload.sessionId)
      else if (isAboutUser(event)) this.forgetUser(event.payload.userId)
      else if (event.type === 'role.changed') this.forgetAll()
    })
    options.bus.onGap(() => this.forgetAll())
  }

  /** @throws GantryError `UNAUTHENTICATED`, `SESSION_ENDED`, `UNAVAILABLE` */
  async authenticate(token: string): Promise<Actor> {
    const { tokens } = this.options
    // What is known is not waited for: most requests need nothing else.
    const { userId, sessionId } = tokens.recall(token) ?? (await failingClosed(tokens.verify(token)))
    const session = this.recalledSession(sessionId) ?? (await this.liveSession(sessionId))
    if (session?.userId !== userId) throw new GantryError('SESSION_ENDED')
    return actorOf(sessionId, session)
  }

  async stillValid(actor: Actor): Promise<boolean> {
    const { kind, id, sessionId } = actor
    if (kind === 'system') return true
    if (sessionId === null) return false
    const session = this.recalledSession(sessionId) ?? (await this.liveSession(sessionId))
    // A stream was opened with what its actor might at that time.
    return session?.userId === id && sightOf(actorOf(sessionId, session)) === sightOf(actor)
  }

  /** Called in the process that ended the session, before anybody is told that it did. */
  forget(sessionId: string): void {
    this.forgotten += 1
    this.remembered.delete(sessionId)
  }

  /** Something of what many may has changed. */
  forgetAll(): void {
    this.forgotten += 1
    this.remembered.clear()
  }

  /** Something of what the user may has changed. */
  forgetUser(userId: string): void {
    this.forgotten += 1
    for (const [id, { session }] of this.remembered.entries()) if (session.userId === userId) this.remembered.delete(id)
  }

  private recalledSession(sessionId: string): UserRights | undefined {
    const known = this.remembered.get(sessionId)
    return known !== undefined && this.options.clock.now() < known.untilMs ? known.session : undefined
  }

  private async liveSession(sessionId: string): Promise<UserRights | null> {
    const { reads, clock } = this.options
    const { forgotten } = this
    const untilMs = clock.now() + REMEMBERED_MS
    const session = await failingClosed(reads.users.findLiveSession(sessionId))
    if (session === null) this.remembered.delete(sessionId)
    else if (forgotten === this.forgotten) this.remembered.set(sessionId, { session, untilMs })
    return session
  }
}
