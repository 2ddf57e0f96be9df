import { GantryError, type Actor, type Authenticator } from '../../kernel/index.js'
import { API_KEY_MARK } from './api-key-token.js'
import type { ApiKeyAuthenticator } from './api-key-authenticator.js'
import type { SessionAuthenticator } from './session-authenticator.js'

const BEARER = /^Bearer +([\w~+/.=-]+) *$/i

/** Knows callers by whichever bearer token they send: an access token, or an API key. */
export class CallerAuthenticator implements Authenticator {
  constructor(
    private readonly sessions: SessionAuthenticator,
    private readonly apiKeys: ApiKeyAuthenticator,
  ) {}

  async authenticate(authorization: string | undefined, mayLookUp?: () => Promise<void>): Promise<Actor | null> {
    if (authorization === undefined) return null
    const token = BEARER.exec(authorization)?.[1]
    if (token === undefined) throw new GantryError('UNAUTHENTICATED', { detail: 'the credentials are no bearer token' })
    // Of the two only keys are unsigned.
    return token.startsWith(API_KEY_MARK)
      ? this.apiKeys.authenticate(token, mayLookUp)
      : this.sessions.authenticate(token)
  }

  /** Called in the process that changed what the user may, or everybody, before anybody is told that it did. */
  forget(whom: { userId: string } | 'everybody'): void {
    if (whom === 'everybody') {
      this.sessions.forgetAll()
      this.apiKeys.forgetAll()
    } else {
      this.sessions.forgetUser(whom.userId)
      this.apiKeys.forgetUser(whom.userId)
    }
  }

  stillValid(actor: Actor): Promise<boolean> {
    return actor.kind === 'api_key' ? this.apiKeys.stillValid(actor) : this.sessions.stillValid(actor)
  }
}
