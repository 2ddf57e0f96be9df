import { refreshInput, type CurrentUser, type TokenPair } from '@gantry/schemas'

import { GantryError } from '../../kernel/errors.js'
import { cookieIn, oldCookie, REFRESH_COOKIE } from '../browsers/cookies.js'
import type { Route } from '../route.js'
import { oldRoutes, type OldAnswer, type OldCall, type OldCallSources } from './old-call.js'
import { oldTokens, oldUser } from './views.js'

export interface OldAuthOptions extends OldCallSources {
  /** Whether browsers reach this server over TLS alone. */
  secureCookies: boolean
}

/** The role that they send along, if any, is not looked at. */
const register = async (call: OldCall): Promise<OldAnswer> => {
  const user = await call.ask('auth.register', await call.fields('email', 'password'))
  return { status: 201, body: oldUser(user as CurrentUser) }
}

/** `auth/register`, `auth/login`, `auth/refresh`, `auth/me` and `auth/logout`. Those in browsers get the access token as a cookie, too. */
export const oldAuthRoutes = ({ secureCookies, ...sources }: OldAuthOptions): Route[] => {
  const begun = ({ exchange }: OldCall, pair: TokenPair) => {
    const kept = { value: pair.accessToken, expiresAt: pair.accessTokenExpiresAt }
    exchange.res.appendHeader('Set-Cookie', oldCookie(secureCookies, kept))
    return oldTokens(pair)
  }

  const login = async (call: OldCall): Promise<OldAnswer> => {
    const answer = await call.ask('auth.login', await call.fields('email', 'password'))
    const { user, ...pair } = answer as TokenPair & { user: CurrentUser }
    return { status: 200, body: { ...begun(call, pair), user: oldUser(user) } }
  }

  const refresh = async (call: OldCall): Promise<OldAnswer> => {
    const input = await call.fields('refreshToken')
    // What is no token of ours is like one that is worth nothing.
    if (typeof input['refreshToken'] === 'string' && !refreshInput.safeParse(input).success) {
      throw new GantryError('SESSION_ENDED')
    }
    return { status: 200, body: begun(call, (await call.ask('auth.refresh', input)) as TokenPair) }
  }

  const me = async (call: OldCall): Promise<OldAnswer> => {
    if (call.exchange.actor === null) return { status: 200, body: null }
    return { status: 200, body: oldUser((await call.ask('auth.me')) as CurrentUser) }
  }

  const logout = async (call: OldCall): Promise<OldAnswer> => {
    const { actor, req } = call.exchange
    // A page of today that logs out by the old address when its access token is over.
    if (actor !== null || cookieIn(req.headers.cookie, REFRESH_COOKIE) !== undefined) await call.ask('auth.logout')
    call.exchange.res.appendHeader('Set-Cookie', oldCookie(secureCookies))
    return { status: 204 }
  }

  return [
    ...oldRoutes(sources, 'POST', '/auth/register', register),
    ...oldRoutes(sources, 'POST', '/auth/login', login),
    ...oldRoutes(sources, 'POST', '/auth/refresh', refresh),
    ...oldRoutes(sources, 'GET', '/auth/me', me),
    ...oldRoutes(sources, 'POST', '/auth/logout', logout),
  ]
}
