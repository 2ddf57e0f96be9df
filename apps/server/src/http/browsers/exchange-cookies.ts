import { refreshInput, type TokenPair } from '@gantry/schemas'

import { GantryError } from '../../kernel/errors.js'
import type { BrowserCookies } from '../../trpc/context.js'
import type { Exchange } from '../exchange.js'
import { ACCESS_COOKIE, cookieIn, ownCookie, REFRESH_COOKIE } from './cookies.js'

/** The cookies that come with a request and go with its answer. */
export class ExchangeCookies implements BrowserCookies {
  constructor(private readonly exchange: Exchange) {}

  assertSettable(): void {
    this.exchange.assertAllowedPage()
    // There the head is on its way before any call has ended.
    if (this.exchange.req.headers['trpc-accept'] === undefined) return
    throw new GantryError('VALIDATION_FAILED', { params: { detail: 'a streamed answer cannot set cookies' } })
  }

  areThere(): boolean {
    const { cookie = '' } = this.exchange.req.headers
    return [ACCESS_COOKIE, REFRESH_COOKIE].some((name) => cookie.includes(name))
  }

  refreshToken(): string | null {
    const refreshToken = cookieIn(this.exchange.req.headers.cookie, REFRESH_COOKIE)
    return refreshInput.safeParse({ refreshToken }).data?.refreshToken ?? null
  }

  keep({ accessToken, accessTokenExpiresAt, refreshToken, refreshTokenExpiresAt }: TokenPair): void {
    this.set(
      ownCookie(ACCESS_COOKIE, { value: accessToken, expiresAt: accessTokenExpiresAt }),
      ownCookie(REFRESH_COOKIE, { value: refreshToken, expiresAt: refreshTokenExpiresAt }),
    )
  }

  /** Only of those that have them: clients by header know no cookies. */
  forget(): void {
    if (this.areThere()) this.set(ownCookie(ACCESS_COOKIE), ownCookie(REFRESH_COOKIE))
  }

  private set(...cookies: string[]): void {
    this.exchange.res.appendHeader('Set-Cookie', cookies)
  }
}
