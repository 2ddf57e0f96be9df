import type { Permission } from '@gantry/schemas'

import { inRole } from './permissions.js'
import { EVERYTHING } from './scope.js'

/** What of the farm somebody may see. Empty lists see nothing. */
export interface Scope {
  printerGroups: 'all' | readonly string[]
  projects: 'all' | readonly string[]
}

/** Who is asking. Every list and get of a repository takes one. */
export interface Actor {
  kind: 'user' | 'api_key' | 'system'
  /** The user's id, of an API key its user's; `system` for the server itself. */
  id: string
  /** What people call what it may: the user's role, or `api_key`. It decides nothing. */
  role: string
  permissions: ReadonlySet<Permission>
  sessionId: string | null
  apiKeyId: string | null
  scope: Scope
  /**
   * Set while an answer is made that will be kept for others: what was committed before this moment of this process's
   * monotonic clock must be in it, from whichever database it is read.
   */
  readsAsOfMs?: number
}

export const SYSTEM_ACTOR: Actor = {
  kind: 'system',
  id: 'system',
  ...inRole('admin'),
  sessionId: null,
  apiKeyId: null,
  scope: EVERYTHING,
}

/** Finds out who is asking. Throws when it cannot find out: an error is never an anonymous caller. */
export interface Authenticator {
  /**
   * @param mayLookUp asked before credentials that anybody can make up are looked for in the database; throws when not
   * @returns the actor, or null when no credentials came
   * @throws GantryError `UNAUTHENTICATED`, `SESSION_ENDED`, `UNAVAILABLE`, and what `mayLookUp` throws
   */
  authenticate(authorization: string | undefined, mayLookUp?: () => Promise<void>): Promise<Actor | null>
  /** Whether the actor of a long-lived stream may still see what it sees. @throws GantryError `UNAVAILABLE` */
  stillValid(actor: Actor): Promise<boolean>
}
