import type { TokenPair } from '@gantry/schemas'

import { ERROR_TABLE, GantryError } from '../kernel/errors.js'
import type { BrowserCookies } from './context.js'

/** Puts a pair of tokens into cookies; what is returned still has them, for its schema to leave out. */
export const keptIn = <P extends TokenPair>(cookies: BrowserCookies, pair: P): P => {
  cookies.keep(pair)
  return pair
}

/**
 * Changes the refresh token of the cookie. One that is worth nothing is forgotten, so that it does not come again.
 * @throws GantryError `UNAUTHENTICATED` when there is none, and what `refresh` throws
 */
export const renewedIn = async (
  cookies: BrowserCookies,
  refresh: (refreshToken: string) => Promise<TokenPair>,
): Promise<TokenPair> => {
  const refreshToken = cookies.refreshToken()
  if (refreshToken === null) throw new GantryError('UNAUTHENTICATED', { detail: 'no refresh token came by cookie' })
  try {
    return keptIn(cookies, await refresh(refreshToken))
  } catch (error) {
    if (error instanceof GantryError && ERROR_TABLE[error.code].httpStatus === 401) cookies.forget()
    throw error
  }
}

/** Ends the session of the refresh token that came by cookie, if one did, and takes both cookies away in any case. */
export const leftBy = async (
  cookies: BrowserCookies | null,
  end: (refreshToken: string) => Promise<void>,
): Promise<void> => {
  const refreshToken = cookies?.refreshToken() ?? null
  if (refreshToken !== null) await end(refreshToken)
  cookies?.forget()
}
