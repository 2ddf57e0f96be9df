import { apiErrorOf } from '../errors/api-error-of.js'
import { isGantryApiError, type GantryApiError } from '../errors/gantry-api-error.js'
import type { CurrentUser, TokenPair } from '../generated/router.js'
import type { Lock } from './lock.js'
import type { StoredSession, TokenStore } from './token-store.js'

export interface Credentials {
  email: string
  password: string
  /** Of the second factor. */
  code?: string
}

/** What a sign-on came back with, and what its challenge was made of. */
export interface SignOnTicket {
  /** `sso_ticket` of the page's address. */
  ticket: string
  codeVerifier: string
}

export interface SessionOptions {
  store: TokenStore
  lock: Lock
  /** With these the client logs in by itself, at first and whenever a session is over. */
  credentials: Credentials | null
  login: (credentials: Credentials) => Promise<TokenPair & { user: CurrentUser }>
  exchange: (ticket: SignOnTicket) => Promise<TokenPair & { user: CurrentUser }>
  refresh: (refreshToken: string) => Promise<TokenPair>
  onSessionEnd: (error: GantryApiError) => void
  now: () => number
}

/** What the rest of the client needs of the login, wherever its tokens are. */
export type ClientSession = Pick<Session, 'login' | 'signOn' | 'isHeld' | 'forget' | 'token' | 'renew' | 'authorized'>

const MAX_MARGIN_MS = 30_000

/** A machine whose clock is ahead takes every new token for expired; there only the server's refusal counts. */
export const refreshAt = (expiresAt: Date, now: number): number | null => {
  const remainingMs = expiresAt.getTime() - now
  return remainingMs <= 0 ? null : now + remainingMs - Math.min(MAX_MARGIN_MS, remainingMs / 5)
}

/** Calls with a token, and once more with another when the first is refused. */
export const authorizedBy = async <T>(
  session: Pick<Session, 'token' | 'renew'>,
  call: (token: string | null) => Promise<T>,
): Promise<T> => {
  const token = await session.token()
  try {
    return await call(token)
  } catch (thrown) {
    const error = apiErrorOf(thrown)
    if (!isAuthFailure(error)) throw error
    const renewed = await session.renew(token)
    if (renewed === null) throw error
    return call(renewed)
  }
}

/** The answers to a token that is worth nothing (any more). */
export const isAuthFailure = (error: unknown): boolean =>
  isGantryApiError(error, 'UNAUTHENTICATED') || isGantryApiError(error, 'SESSION_ENDED')

/** The answers to a refresh token that no repetition will change. */
const isOver = (error: GantryApiError) =>
  isAuthFailure(error) ||
  error.code === 'INVALID_CREDENTIALS' ||
  error.code === 'SECOND_FACTOR_REQUIRED' ||
  error.code === 'VALIDATION_FAILED'

/** The one login of a client: who wants to call something gets a token here, and who is refused gets another. */
export class Session {
  private renewing: Promise<string | null> | null = null

  constructor(private readonly options: SessionOptions) {}

  /** @throws GantryApiError `INVALID_CREDENTIALS`, `RATE_LIMITED`, … */
  async login(credentials: Credentials): Promise<CurrentUser> {
    const { user, ...pair } = await this.options.login(credentials)
    await this.keep(pair)
    return user
  }

  /** @throws GantryApiError `SIGN_ON_FAILED`, `SIGN_ON_REFUSED`, … */
  async signOn(ticket: SignOnTicket): Promise<CurrentUser> {
    const { user, ...pair } = await this.options.exchange(ticket)
    await this.keep(pair)
    return user
  }

  async isHeld(): Promise<boolean> {
    return (await this.options.store.load()) !== null
  }

  async forget(): Promise<void> {
    await this.options.store.clear()
  }

  /**
   * The access token to send now, refreshed when it is about to expire; null when nobody has logged in.
   * @throws GantryApiError `SESSION_ENDED` when it cannot be refreshed any more
   */
  async token(): Promise<string | null> {
    const held = await this.options.store.load()
    if (held === null) return this.options.credentials === null ? null : this.renew(null)
    const { accessToken, refreshAtMs } = held
    if (refreshAtMs === null || this.options.now() < refreshAtMs) return accessToken
    try {
      return await this.renew(accessToken)
    } catch (error) {
      if (isAuthFailure(error)) throw error
      // It has not expired yet; whether it does in time is for the server to say.
      return accessToken
    }
  }

  /**
   * Another token than the one that was refused. All callers share one refresh, and so do tabs that share the store.
   * @returns null when there is nothing to get one with
   * @throws GantryApiError `SESSION_ENDED`, or why the server could not be asked
   */
  renew(refused: string | null): Promise<string | null> {
    this.renewing ??= this.options
      .lock(() => this.replace(refused))
      .finally(() => {
        this.renewing = null
      })
    return this.renewing
  }

  /** See {@link authorizedBy}. */
  authorized<T>(call: (token: string | null) => Promise<T>): Promise<T> {
    return authorizedBy(this, call)
  }

  private async replace(refused: string | null): Promise<string | null> {
    const held = await this.options.store.load()
    if (held === null) return this.logInAgain(null)
    // Another call or another tab was faster.
    if (held.accessToken !== refused) return held.accessToken
    try {
      return await this.keep(await this.options.refresh(held.refreshToken))
    } catch (thrown) {
      const error = apiErrorOf(thrown)
      if (!isOver(error)) throw error
      await this.options.store.clear()
      return this.logInAgain(error)
    }
  }

  private async logInAgain(ended: GantryApiError | null): Promise<string | null> {
    const { credentials, login, onSessionEnd } = this.options
    if (credentials !== null) {
      const { user: _user, ...pair } = await login(credentials)
      return this.keep(pair)
    }
    if (ended === null) return null
    onSessionEnd(ended)
    throw ended
  }

  private async keep(pair: TokenPair): Promise<string> {
    const { accessToken, refreshToken } = pair
    const refreshAtMs = refreshAt(pair.accessTokenExpiresAt, this.options.now())
    const session: StoredSession = { accessToken, refreshToken, refreshAtMs }
    await this.options.store.save(session)
    return accessToken
  }
}
