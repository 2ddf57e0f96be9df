import { GantryError, type Actor, type Clock, type EventBus, type Primary } from '../../kernel/index.js'
import { sightOf } from '../../kernel/sight.js'
import type { AccessTokens } from './access-tokens.js'
import { failingClosed } from './failing-closed.js'
import { RECENT_MS, RememberedCallers } from './remembered-callers.js'
import type { UserRights } from './auth.ports.js'
import type { CallerRepository } from './callers.ports.js'

export interface SessionAuthenticatorOptions {
  tokens: AccessTokens
  callers: Primary<Pick<CallerRepository, 'findLiveSession'>>
  bus: Pick<EventBus, 'onEvent' | 'onGap' | 'onHearing'>
  clock: Clock
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
export class SessionAuthenticator extends RememberedCallers<UserRights> {
  constructor(private readonly options: SessionAuthenticatorOptions) {
    super({ ...options, endedBy: (event) => (event.type === 'session.ended' ? event.payload.sessionId : null) })
  }

  /** @throws GantryError `UNAUTHENTICATED`, `SESSION_ENDED`, `UNAVAILABLE` */
  async authenticate(token: string): Promise<Actor> {
    const { tokens } = this.options
    // What is known is not waited for: most requests need nothing else.
    const { userId, sessionId } = tokens.recall(token) ?? (await failingClosed(tokens.verify(token)))
    const session = this.recalled(sessionId) ?? (await this.liveSession(sessionId))
    if (session?.userId !== userId) throw new GantryError('SESSION_ENDED')
    return actorOf(sessionId, session)
  }

  async stillValid(actor: Actor): Promise<boolean> {
    const { kind, id, sessionId } = actor
    if (kind === 'system') return true
    if (sessionId === null) return false
    const session = this.recalled(sessionId, RECENT_MS) ?? (await this.liveSession(sessionId))
    // A stream was opened with what its actor might at that time.
    return session?.userId === id && sightOf(actorOf(sessionId, session)) === sightOf(actor)
  }

  private liveSession(sessionId: string): Promise<UserRights | null> {
    return this.live(sessionId, () => this.options.callers.findLiveSession(sessionId))
  }
}
