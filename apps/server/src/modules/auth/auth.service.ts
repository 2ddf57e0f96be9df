import type { CurrentUser, ErrorCode, TokenPair } from '@gantry/schemas'

import {
  GantryError,
  newId,
  notFound,
  type Actor,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { AccessTokens } from './access-tokens.js'
import type { LockedRefreshToken, SessionEnd, UserRecord, UserRepository } from './auth.ports.js'
import { recordEnded } from './end-sessions.js'
import type { LoginLimiter } from './login-limiter.js'
import { hashPassword, isWeakHash, verifyPassword } from './passwords.js'
import { newRefreshToken, refreshTokenHash } from './refresh-tokens.js'
import type { RoleRepository } from './roles.ports.js'
import type { SecondFactors } from './second-factors.js'
import type { SecondFactorRepository } from './second-factors.ports.js'

const DAY_MS = 24 * 60 * 60_000
/** For the answer that was lost on its way: so long the token just used may be used once more. */
const GRACE_MS = 10_000

interface Repositories {
  users: UserRepository
  roles: Pick<RoleRepository, 'ofUser' | 'get'>
  secondFactors: SecondFactorRepository
}
type Transaction = Repositories & TransactionContext
type SessionTransaction = TransactionContext & { users: Pick<UserRepository, 'createSession' | 'addRefreshToken'> }

export interface AuthServiceOptions {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<{ users: UserRepository }>
  secondFactors: Pick<SecondFactors, 'refusalOfLogin'>
  tokens: AccessTokens
  limiter: LoginLimiter
  /** Makes this process forget a session at once. */
  forgetSession: (sessionId: string) => void
  /** A session ends after so many days without use. */
  refreshTokenDays: number
  /** And after so many days in any case. */
  sessionMaxDays: number
  /** Hears how every login ended. @default nobody */
  loginEnded?: LoginEnded
}

/**
 * @param account the address that was tried, or what the identity provider calls the person; null: that is not known
 * @param code why it was refused, where that is not the usual
 */
export type LoginEnded = (outcome: LoginOutcome, account: string | null, code?: ErrorCode) => void

/** `limited`: too many had failed before. `failed`: it could not be found out. */
export type LoginOutcome = 'ok' | 'refused' | 'limited' | 'failed'

export interface LoginRequest {
  /** In lower case. */
  email: string
  password: string
  /** Of the second factor. */
  code?: string | undefined
}

export interface LoginOrigin {
  userAgent: string | null
  ip: string | null
}

interface NewToken {
  user: UserRecord
  sessionId: string
  parentId: string | null
  expiresAt: Date
}

/** A session with the refresh token that was just made for it. */
export interface Renewal {
  user: UserRecord
  sessionId: string
  refreshToken: string
  refreshTokenExpiresAt: Date
}

const MAX_USER_AGENT = 300

const failureOf = (error: unknown): LoginOutcome => {
  const code = error instanceof GantryError ? error.code : null
  if (code === 'INVALID_CREDENTIALS' || code === 'SECOND_FACTOR_REQUIRED') return 'refused'
  return code === 'RATE_LIMITED' ? 'limited' : 'failed'
}

export const currentUserOf = ({ id, email, displayName, role, analyticsOptOut }: UserRecord): CurrentUser => ({
  ...{ id, email, displayName, role, analyticsOptOut },
})

/** What a presented refresh token means. */
const judge = (token: LockedRefreshToken, now: Date): 'renew' | 'ended' | 'reused' => {
  const { session, expiresAt, usedAt, successors } = token
  const isOver = session.revokedAt !== null || session.user.disabledAt !== null
  if (isOver || session.expiresAt <= now || expiresAt <= now) return 'ended'
  if (usedAt === null) return 'renew'
  const isRepeated = successors === 'unused' && now.getTime() - usedAt.getTime() <= GRACE_MS
  return isRepeated ? 'renew' : 'reused'
}

/** Logins, and the sessions that they begin. */
export class AuthService {
  constructor(private readonly options: AuthServiceOptions) {}

  /**
   * The answer, and about the time to it, is the same for a wrong password, an unknown and a disabled account.
   * @throws GantryError `INVALID_CREDENTIALS`, `SECOND_FACTOR_REQUIRED`, `RATE_LIMITED`
   */
  async login(request: LoginRequest, origin: LoginOrigin): Promise<TokenPair & { user: CurrentUser }> {
    try {
      const begun = await this.beginSession(request, origin)
      this.options.loginEnded?.('ok', request.email)
      return begun
    } catch (error) {
      this.options.loginEnded?.(failureOf(error), request.email)
      throw error
    }
  }

  /**
   * Changes a refresh token into a new pair. A token that comes again ends its session, save within ten seconds and
   * while what was given for it is unused: then its answer got lost, and another is given.
   * @throws GantryError `SESSION_ENDED`
   */
  async refresh(refreshToken: string): Promise<TokenPair> {
    const result = await this.options.unitOfWork.run((tx) => this.renew(tx, refreshTokenHash(refreshToken)))
    if (!('endedSessionId' in result)) return this.pairOf(result)
    if (result.endedSessionId !== null) this.options.forgetSession(result.endedSessionId)
    throw new GantryError('SESSION_ENDED')
  }

  /** Ends the actor's session; its access token is worth nothing from then on. */
  async logout(actor: Actor): Promise<void> {
    const { sessionId } = actor
    if (sessionId === null) return
    await this.options.unitOfWork.run((tx) => this.endSession(tx, sessionId, 'logout'))
    this.options.forgetSession(sessionId)
  }

  /** The same by a refresh token, for whom the access token is over; one that is worth nothing ends nothing. */
  async logoutBy(refreshToken: string): Promise<void> {
    const ended = await this.options.unitOfWork.run(async (tx) => {
      const token = await tx.users.lockRefreshToken(refreshTokenHash(refreshToken))
      if (token === null) return null
      await this.endSession(tx, token.session.id, 'logout')
      return token.session.id
    })
    if (ended !== null) this.options.forgetSession(ended)
  }

  /** @throws GantryError `NOT_FOUND` */
  async me(actor: Actor): Promise<CurrentUser> {
    const user = await this.options.reads.users.get(actor.id)
    if (user === null) throw notFound('user', actor.id)
    return currentUserOf(user)
  }

  /** Whether what the actor does is counted; who opts out loses what was. @throws GantryError `NOT_FOUND` */
  async setAnalyticsOptOut(actor: Actor, optOut: boolean): Promise<CurrentUser> {
    await this.options.unitOfWork.run(({ users }) => users.setAnalyticsOptOut(actor.id, optOut))
    return this.me(actor)
  }

  private async beginSession(request: LoginRequest, origin: LoginOrigin) {
    const { limiter } = this.options
    await limiter.begin(request.email, origin.ip)
    // Between the look and the session the password may become another one: then it is looked at once more.
    const renewal = (await this.tryToBegin(request, origin)) ?? (await this.tryToBegin(request, origin))
    if (renewal === null) throw new GantryError('INVALID_CREDENTIALS')
    if (renewal instanceof GantryError) throw renewal
    await limiter.succeeded(request.email, origin.ip)
    return { ...(await this.pairOf(renewal)), user: currentUserOf(renewal.user) }
  }

  /**
   * @returns null when the account has changed meanwhile; what is wrong with the second factor is returned, since its
   * failure has to be committed
   * @throws GantryError `INVALID_CREDENTIALS`
   */
  private async tryToBegin({ email, password, code }: LoginRequest, origin: LoginOrigin) {
    const { reads, unitOfWork, secondFactors } = this.options
    const known = await reads.users.findByEmail(email)
    const isRight = await verifyPassword(known?.passwordHash ?? null, password)
    if (!isRight || known?.passwordHash == null || known.disabledAt !== null)
      throw new GantryError('INVALID_CREDENTIALS')
    // The password is at hand only now.
    const strongerHash = isWeakHash(known.passwordHash) ? await hashPassword(password) : null
    return unitOfWork.run(async (tx): Promise<Renewal | GantryError | null> => {
      const user = await tx.users.lock(known.id)
      if (user?.passwordHash !== known.passwordHash || user.disabledAt !== null) return null
      const refusal = await secondFactors.refusalOfLogin(tx, user.id, code)
      if (refusal !== null) return refusal
      if (strongerHash !== null) await tx.users.setPasswordHash(user.id, strongerHash)
      return this.newSession(tx, user, origin)
    })
  }

  /**
   * Begins a session, within the caller's transaction, for somebody who has proved who they are.
   * @param reauthenticatedAt when they proved it anew at an identity provider; null: with a password, or some time ago
   */
  async newSession(
    tx: SessionTransaction,
    user: UserRecord,
    { userAgent, ip }: LoginOrigin,
    reauthenticatedAt: Date | null = null,
  ): Promise<Renewal> {
    const sessionId = newId('session')
    const expiresAt = this.expiryAt(tx.now, tx.now)
    const agent = userAgent?.slice(0, MAX_USER_AGENT) ?? null
    await tx.users.createSession({ id: sessionId, userId: user.id, userAgent: agent, ip, expiresAt, reauthenticatedAt })
    const payload = { sessionId, userId: user.id }
    tx.record({ type: 'session.started', subjectType: 'session', subjectId: sessionId, payload }, user.id)
    return this.addToken(tx, { user, sessionId, parentId: null, expiresAt })
  }

  /** Refusals are returned, not thrown, since the session's end has to be committed. */
  private async renew(tx: Transaction, tokenHash: string): Promise<Renewal | { endedSessionId: string | null }> {
    const token = await tx.users.lockRefreshToken(tokenHash)
    if (token === null) return { endedSessionId: null }
    const { session } = token
    const meaning = judge(token, tx.now)
    const until = this.expiryAt(tx.now, session.createdAt)
    if (meaning === 'ended' || until <= tx.now) return { endedSessionId: session.id }
    if (meaning === 'reused') {
      await this.endSession(tx, session.id, 'refresh_token_reused')
      return { endedSessionId: session.id }
    }
    if (token.usedAt === null) await tx.users.useRefreshToken(token, session.id, tx.now)
    await tx.users.extendSession(session.id, until, tx.now)
    return this.addToken(tx, { user: session.user, sessionId: session.id, parentId: token.id, expiresAt: until })
  }

  private async addToken(tx: SessionTransaction, { user, sessionId, parentId, expiresAt }: NewToken): Promise<Renewal> {
    const refreshToken = newRefreshToken()
    const tokenHash = refreshTokenHash(refreshToken)
    await tx.users.addRefreshToken({ id: newId('refreshToken'), sessionId, tokenHash, parentId, expiresAt })
    return { user, sessionId, refreshToken, refreshTokenExpiresAt: expiresAt }
  }

  private async endSession(tx: Transaction, sessionId: string, reason: SessionEnd): Promise<void> {
    const userId = await tx.users.revokeSession(sessionId, reason, tx.now)
    if (userId === null) return
    recordEnded(tx, { sessionId, userId }, userId)
  }

  private expiryAt(now: Date, begunAt: Date): Date {
    const { refreshTokenDays, sessionMaxDays } = this.options
    return new Date(Math.min(now.getTime() + refreshTokenDays * DAY_MS, begunAt.getTime() + sessionMaxDays * DAY_MS))
  }

  /** The tokens of a session whose transaction is committed. */
  async pairOf({ user, sessionId, refreshToken, refreshTokenExpiresAt }: Renewal): Promise<TokenPair> {
    const access = await this.options.tokens.issue({ userId: user.id, sessionId, role: user.role })
    return { accessToken: access.token, accessTokenExpiresAt: access.expiresAt, refreshToken, refreshTokenExpiresAt }
  }
}
