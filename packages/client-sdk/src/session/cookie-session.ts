import { apiErrorOf } from '../errors/api-error-of.js'
import type { GantryApiError } from '../errors/gantry-api-error.js'
import type { CurrentUser } from '../generated/router.js'
import { IN_COOKIE } from '../http/exchange.js'
import type { Lock } from './lock.js'
import { authorizedBy, isAuthFailure, refreshAt, type ClientSession, type Credentials } from './session.js'

/** When the cookies run out. */
interface CookieTimes {
  accessTokenExpiresAt: Date
}

export interface CookieSessionOptions {
  lock: Lock
  /** With these the client logs in by itself, at first and whenever a session is over. */
  credentials: Credentials | null
  begin: (credentials: Credentials) => Promise<CookieTimes & { user: CurrentUser }>
  renew: () => Promise<CookieTimes>
  onSessionEnd: (error: GantryApiError) => void
  now: () => number
}

/** A login whose tokens are in cookies of the browser, which no script sees. */
export class CookieSession implements ClientSession {
  private renewing: Promise<string | null> | null = null
  /** Null: of a session nothing is known here, be there one or not. */
  private held: { refreshAtMs: number | null } | null = null

  constructor(private readonly options: CookieSessionOptions) {}

  async login(credentials: Credentials): Promise<CurrentUser> {
    const { user, ...times } = await this.options.begin(credentials)
    this.keep(times)
    return user
  }

  /** There the browser signs on by itself: the tokens of a ticket would be in the page's hands. */
  signOn(): Promise<CurrentUser> {
    return Promise.reject(new TypeError('a session in cookies signs on by opening auth.methods().signOn.url'))
  }

  /** A page that was just loaded has to ask. */
  async isHeld(): Promise<boolean> {
    return this.held !== null || (await this.renew()) !== null
  }

  forget(): Promise<void> {
    this.held = null
    return Promise.resolve()
  }

  async token(): Promise<string> {
    const refreshAtMs = this.held?.refreshAtMs ?? null
    if (refreshAtMs === null || this.options.now() < refreshAtMs) return IN_COOKIE
    try {
      await this.renew()
    } catch (error) {
      if (isAuthFailure(error)) throw error
      // It has not expired yet; whether it does in time is for the server to say.
    }
    return IN_COOKIE
  }

  renew(): Promise<string | null> {
    this.renewing ??= this.options
      .lock(() => this.replace())
      .finally(() => {
        this.renewing = null
      })
    return this.renewing
  }

  authorized<T>(call: (token: string | null) => Promise<T>): Promise<T> {
    return authorizedBy(this, call)
  }

  private async replace(): Promise<string | null> {
    try {
      return this.keep(await this.options.renew())
    } catch (thrown) {
      const error = apiErrorOf(thrown)
      if (!isAuthFailure(error)) throw error
      return this.logInAgain(error)
    }
  }

  private async logInAgain(ended: GantryApiError): Promise<string | null> {
    const { credentials, begin, onSessionEnd } = this.options
    const wasHeld = this.held !== null || ended.code === 'SESSION_ENDED'
    this.held = null
    if (credentials !== null) return this.keep(await begin(credentials))
    if (!wasHeld) return null
    onSessionEnd(ended)
    throw ended
  }

  private keep({ accessTokenExpiresAt }: CookieTimes): string {
    this.held = { refreshAtMs: refreshAt(accessTokenExpiresAt, this.options.now()) }
    return IN_COOKIE
  }
}
