import type { Page, Permission, UserRole, UserSession } from '@gantry/schemas'

import type { Scope } from '../../kernel/index.js'

export interface UserRecord {
  id: string
  /** In lower case. */
  email: string
  displayName: string
  /** Null: none was chosen yet. */
  passwordHash: string | null
  role: UserRole
  disabledAt: Date | null
  /** Nobody counts what this user does. */
  analyticsOptOut: boolean
}

export interface NewUser {
  id: string
  email: string
  displayName: string
  passwordHash: string
  role: UserRole
}

export interface NewSession {
  id: string
  userId: string
  userAgent: string | null
  ip: string | null
  expiresAt: Date
  /** When its user proved anew, at an identity provider, who they are. @default never */
  reauthenticatedAt?: Date | null
}

export interface NewRefreshToken {
  id: string
  sessionId: string
  /** SHA-256 in lower-case hex. */
  tokenHash: string
  parentId: string | null
  expiresAt: Date
}

/** A refresh token with its session, as they stand while the session is locked. */
export interface LockedRefreshToken {
  id: string
  parentId: string | null
  expiresAt: Date
  usedAt: Date | null
  /** The tokens that were given for this one: none, or whether one of them was used. */
  successors: 'none' | 'unused' | 'used'
  session: { id: string; createdAt: Date; expiresAt: Date; revokedAt: Date | null; user: UserRecord }
}

/** What a user who is not disabled may do and see at this moment; nothing reaches beyond the scope. */
export interface UserRights {
  userId: string
  role: string
  permissions: ReadonlySet<Permission>
  scope: Scope
}

export type SessionEnd =
  'logout' | 'refresh_token_reused' | 'user_disabled' | 'user_deleted' | 'role_changed' | 'password_changed' | 'revoked'

/** Users, their sessions and refresh tokens. Asked before anybody is known, so without an actor. */
export interface UserRepository {
  isEmpty(): Promise<boolean>
  /** The mail addresses of all admins who may log in and see the whole farm. */
  adminAddresses(): Promise<string[]>
  /** Nobody else creates a first user until the transaction ends. */
  lockFirst(): Promise<void>
  create(user: NewUser): Promise<void>
  get(userId: string): Promise<UserRecord | null>
  findByEmail(email: string): Promise<UserRecord | null>
  /** Nobody else changes the user until the transaction ends. */
  lock(userId: string): Promise<UserRecord | null>
  setPasswordHash(userId: string, passwordHash: string): Promise<void>
  /** @returns null when there is no such user, or it is disabled */
  rights(userId: string): Promise<UserRights | null>

  /** Opting out also removes what was counted. */
  setAnalyticsOptOut(userId: string, optOut: boolean): Promise<void>

  createSession(session: NewSession): Promise<void>
  /** When the session's user last proved at an identity provider who they are; null: not in this session. */
  reauthenticatedAt(sessionId: string): Promise<Date | null>
  extendSession(sessionId: string, expiresAt: Date, now: Date): Promise<void>
  /** @returns the session's user; null when there is no such session or it was revoked before */
  revokeSession(sessionId: string, reason: SessionEnd, now: Date): Promise<string | null>

  /** Ends every session of the user that is not over, save one. @returns their ids */
  revokeSessionsOf(userId: string, reason: SessionEnd, now: Date, except?: string): Promise<string[]>

  addRefreshToken(token: NewRefreshToken): Promise<void>
  /** Locks the token's session, so that two uses of one family come one after the other. */
  lockRefreshToken(tokenHash: string): Promise<LockedRefreshToken | null>
  /** Marks the token used, and with it its unused siblings: from now on only its own descendants count. */
  useRefreshToken(token: Pick<LockedRefreshToken, 'id' | 'parentId'>, sessionId: string, now: Date): Promise<void>
}

/** The sessions of one user that go on. */
export interface SessionRepository {
  /** The newest first. */
  list(userId: string, query: SessionQuery): Promise<Page<Omit<UserSession, 'isCurrent'>>>
  /** @returns false when the user has no such session that goes on */
  end(userId: string, sessionId: string, reason: SessionEnd, now: Date): Promise<boolean>
}

export interface SessionQuery {
  limit: number
  cursor: string | null
}

/** What is left of logins that are over. */
export interface EndedSessions {
  /**
   * Removes refresh tokens that have expired or whose session has ended. A token that was used before and has not
   * expired stays as long as its session lives: whoever presents it again must be found out.
   * @returns how many, at most `limit`
   */
  removeUselessTokens(limit: number): Promise<number>
  /** Removes sessions that have expired or were ended, once their tokens are gone. @returns how many, at most `limit` */
  removeEnded(limit: number): Promise<number>
  /** Removes what is left of sign-ons whose time is over. @returns how many, at most `limit` */
  removeSignOns(limit: number): Promise<number>
}
