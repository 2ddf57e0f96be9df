import { LRUCache } from 'lru-cache'

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
import type { ApiKeyRepository, LiveApiKey } from './api-keys.ports.js'
import { failingClosed } from './failing-closed.js'
import { isAboutUser } from './user-events.js'

const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 10_000

export interface ApiKeyAuthenticatorOptions {
  reads: Primary<{ apiKeys: Pick<ApiKeyRepository, 'findLive'> }>
  bus: Pick<EventBus, 'onEvent' | 'onGap'>
  clock: Clock
  /** Hears of every key that was let in. */
  used: (keyId: string) => void
}

interface Remembered {
  secretHash: string
  actor: Actor
  untilMs: number
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
export class ApiKeyAuthenticator {
  private readonly remembered = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED })
  /** Grows with everything forgotten; what was asked before may then no longer be remembered. */
  private forgotten = 0

  constructor(private readonly options: ApiKeyAuthenticatorOptions) {
    options.bus.onEvent((event) => {
      if (event.type === 'api_key.revoked') this.forget(event.payload.apiKeyId)
      else if (isAboutUser(event)) this.forgetUser(event.payload.userId)
      else if (event.type === 'role.changed') this.forgetAll()
    })
    options.bus.onGap(() => this.forgetAll())
  }

  /** @throws GantryError `UNAUTHENTICATED`, the same for an unknown, a wrong, an expired and a revoked key; `UNAVAILABLE` */
  async authenticate(token: string): Promise<Actor> {
    const read = readApiKeyToken(token)
    const found = read === null ? null : (this.recalled(read.keyId) ?? (await this.live(read.keyId)))
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
    const found = this.recalled(apiKeyId) ?? (await this.live(apiKeyId))
    return found !== null && sightOf(found.actor) === sightOf(actor)
  }

  /** Called in the process that revoked the key, before anybody is told that it did. */
  forget(keyId: string): void {
    this.forgotten += 1
    this.remembered.delete(keyId)
  }

  /** Something of what many may has changed. */
  forgetAll(): void {
    this.forgotten += 1
    this.remembered.clear()
  }

  /** Something of what the user may has changed. */
  forgetUser(userId: string): void {
    this.forgotten += 1
    for (const [keyId, { actor }] of this.remembered.entries()) if (actor.id === userId) this.remembered.delete(keyId)
  }

  private recalled(keyId: string): Remembered | undefined {
    const known = this.remembered.get(keyId)
    return known !== undefined && this.options.clock.now() < known.untilMs ? known : undefined
  }

  private async live(keyId: string): Promise<Remembered | null> {
    const { reads, clock } = this.options
    const { forgotten } = this
    const atMost = clock.now() + REMEMBERED_MS
    const key = await failingClosed(reads.apiKeys.findLive(keyId))
    const untilMs = Math.min(atMost, key?.expiresAt?.getTime() ?? atMost)
    if (key === null || untilMs <= clock.now()) {
      this.remembered.delete(keyId)
      return null
    }
    const found = { secretHash: key.secretHash, actor: actorOf(key), untilMs }
    if (forgotten === this.forgotten) this.remembered.set(keyId, found)
    return found
  }
}
