import type { Page, UserAccount, UserRole, UserState } from '@gantry/schemas'

import type { AdminRepository } from '../auth/admins.js'

export interface NewAccount {
  id: string
  email: string
  displayName: string
  /** Null: the user is invited, and chooses one. */
  passwordHash: string | null
  role: UserRole
  /** Null: the user came by registering. */
  createdById: string | null
}

export interface AccountQuery {
  limit: number
  cursor: string | null
  role: UserRole | null
  state: UserState | null
  search: string | null
}

export interface AccountPatch {
  displayName?: string | undefined
  email?: string | undefined
  role?: UserRole | undefined
  disabledAt?: Date | null
}

/** Users as people look after them. Who may is said by the procedures. */
export interface AccountRepository extends AdminRepository {
  /** Newest first. */
  list(query: AccountQuery): Promise<Page<UserAccount>>
  get(userId: string): Promise<UserAccount | null>
  findByEmail(email: string): Promise<UserAccount | null>
  /** @returns false when somebody has the address; then nothing is made */
  createIfFree(user: NewAccount): Promise<boolean>
  /** Counts the version up. @returns false when it is another one by now */
  update(userId: string, patch: AccountPatch, now: Date, ifVersion?: number): Promise<boolean>
  remove(userId: string): Promise<void>
}

export type TokenPurpose = 'invitation' | 'reset'

export interface PasswordTokenRecord {
  userId: string
  purpose: TokenPurpose
  /** SHA-256 in lower-case hex. */
  tokenHash: string
  createdAt: Date
  expiresAt: Date
}

/** What lets people choose a password without the present one; one per user. */
export interface PasswordTokenRepository {
  /** Takes the place of the user's last one. */
  put(token: PasswordTokenRecord): Promise<void>
  of(userId: string): Promise<PasswordTokenRecord | null>
  /** Whose it is, unless it has expired. */
  find(tokenHash: string, purpose: TokenPurpose): Promise<string | null>
  /** The same, and it is used up; of two at once one gets it. */
  use(tokenHash: string, purpose: TokenPurpose): Promise<string | null>
  remove(userId: string): Promise<void>
}

/** Counts tries, so that nobody makes too many. */
export interface TryLimiter {
  /** @param email in lower case @throws GantryError `RATE_LIMITED` */
  begin(email: string, address: string | null): Promise<void> | void
  /** The try was none too many: it came with what only the right one knows. */
  succeeded(email: string, address: string | null): Promise<void> | void
}
