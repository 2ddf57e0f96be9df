import type { Permission } from '@gantry/schemas'

import type { UserRights } from './auth.ports.js'

/** A key that is neither revoked nor expired, of a user who is not disabled, with what that user may now. */
export interface LiveApiKey {
  id: string
  /** SHA-256 in lower-case hex. */
  secretHash: string
  scopes: readonly Permission[]
  /** Empty lists: all that its user may see. */
  printerGroupIds: readonly string[]
  projectIds: readonly string[]
  expiresAt: Date | null
  user: UserRights
}

/** Who calls. Asked once a minute for each session and key, before anything else is done for them. */
export interface CallerRepository {
  /** What the user of the session may; null: the session is over, or its user disabled. @throws GantryError `UNAVAILABLE` */
  findLiveSession(sessionId: string): Promise<UserRights | null>
  /** @throws GantryError `UNAVAILABLE` */
  findLiveKey(keyId: string): Promise<LiveApiKey | null>
}
