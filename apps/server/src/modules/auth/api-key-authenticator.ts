import {
  GantryError,
  narrowed,
  withinScope,
  type Actor,
  type Clock,
  type EventBus,
  type Primary,
  type Scope,
} from '../../kernel/index.js'
import { sightOf } from '../../kernel/sight.js'
import { isSameHash, readApiKeyToken } from './api-key-token.js'
import type { CallerRepository, LiveApiKey } from './callers.ports.js'
import { RECENT_MS, RememberedCallers } from './remembered-callers.js'

export interface ApiKeyAuthenticatorOptions {
  callers: Primary<Pick<CallerRepository, 'findLiveKey'>>
  bus: Pick<EventBus, 'onEvent' | 'onGap' | 'onHearing'>
  clock: Clock
  /** Hears of every key that was let in. */
  used: (keyId: string) => void
}

interface KnownKey {
  userId: string
  secretHash: string
  actor: Actor
  expiresAt: Date | null
}

const listed = (ids: readonly string[]): Scope['projects'] => (ids.length === 0 ? 'all' : ids)

/** Exports hold all that belongs to their user, so a key that is kept to a part of it has none of them. */
const isForExports = (permission: string) => permission.startsWith('exports.')

/** Never more than its user may at this moment. */
const actorOf = ({ id, scopes, printerGroupIds, projectIds, user }: LiveApiKey): Actor => {
  const own: Scope = { printerGroups: listed(printerGroupIds), projects: listed(projectIds) }
  const isKeptToPart = printerGroupIds.length > 0 || projectIds.length > 0
  const scope = narrowed(user.scope, own)
  const granted = scopes.filter((each) => user.permissions.has(each) && !(isKeptToPart && isForExports(each)))
  const permissions = withinScope(new Set(granted), scope)
  return { kind: 'api_key', id: user.userId, role: 'api_key', permissions, sessionId: null, apiKeyId: id, scope }
}

/**
 * Knows callers by their API key. What a key may is asked of the database, remembered for a minute, and forgotten when the
 * key or its user changes.
 */
export class ApiKeyAuthenticator extends RememberedCallers<KnownKey> {
  constructor(private readonly options: ApiKeyAuthenticatorOptions) {
    super({ ...options, endedBy: (event) => (event.type === 'api_key.revoked' ? event.payload.apiKeyId : null) })
  }

  /**
   * @param mayLookUp asked before the database is
   * @throws GantryError `UNAUTHENTICATED`, the same for an unknown, a wrong, an expired and a revoked key; `UNAVAILABLE`, and
   *   what `mayLookUp` throws
   */
  async authenticate(token: string, mayLookUp?: () => Promise<void>): Promise<Actor> {
    const read = readApiKeyToken(token)
    const found = read === null ? null : (this.recalled(read.keyId) ?? (await this.lookedUp(read.keyId, mayLookUp)))
    if (read === null || found === null || !isSameHash(found.secretHash, read.secretHash)) {
      throw new GantryError('UNAUTHENTICATED', { detail: 'the API key is not valid' })
    }
    this.options.used(read.keyId)
    return found.actor
  }

  /** A stream was opened with what the key was allowed at that time. */
  async stillValid(actor: Actor): Promise<boolean> {
    const { apiKeyId } = actor
    if (apiKeyId === null) return false
    const found = this.recalled(apiKeyId, RECENT_MS) ?? (await this.liveKey(apiKeyId))
    return found !== null && sightOf(found.actor) === sightOf(actor)
  }

  private async lookedUp(keyId: string, mayLookUp?: () => Promise<void>): Promise<KnownKey | null> {
    if (this.isRefused(keyId)) return null
    await mayLookUp?.()
    const found = await this.liveKey(keyId)
    if (found === null) this.refuse(keyId)
    return found
  }

  private liveKey(keyId: string): Promise<KnownKey | null> {
    const load = async () => {
      const key = await this.options.callers.findLiveKey(keyId)
      if (key === null) return null
      const { secretHash, expiresAt, user } = key
      return { userId: user.userId, secretHash, actor: actorOf(key), expiresAt }
    }
    return this.live(keyId, load, ({ expiresAt }) => expiresAt)
  }
}
