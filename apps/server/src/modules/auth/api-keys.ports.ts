import type { Permission } from '@gantry/schemas'

/** An API key without its secret. Empty lists: all that its user may see. */
export interface ApiKeyRecord {
  id: string
  name: string
  scopes: Permission[]
  printerGroupIds: string[]
  projectIds: string[]
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
}

export interface NewApiKey {
  id: string
  userId: string
  name: string
  /** SHA-256 in lower-case hex. */
  secretHash: string
  scopes: readonly Permission[]
  printerGroupIds: readonly string[]
  projectIds: readonly string[]
  expiresAt: Date | null
  createdAt: Date
}

export interface ApiKeyRepository {
  /** Nobody else adds a key for the user until the transaction ends. @returns how many there are */
  lockOf(userId: string): Promise<number>
  create(key: NewApiKey): Promise<void>
  /** Those that are not revoked, newest first. */
  list(userId: string): Promise<ApiKeyRecord[]>
  /** @returns the key's user; null when there is no such key that was not revoked before */
  revoke(keyId: string, by: { userId: string } | 'anybody', now: Date): Promise<string | null>
  /** All of the user's. @returns the ids of those that were not revoked before */
  revokeAllOf(userId: string, now: Date): Promise<string[]>
  /** They were used just now. */
  noteUse(keyIds: readonly string[]): Promise<void>
}
