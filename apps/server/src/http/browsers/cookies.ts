import { parseCookie, stringifySetCookie } from 'cookie'

import { GantryError } from '../../kernel/errors.js'

/** The prefix makes browsers take it over TLS alone, for this very host, and from no sibling of it. */
export const ACCESS_COOKIE = '__Host-gantry-access'
export const REFRESH_COOKIE = '__Host-gantry-refresh'
/** Of a browser that is on its way to the identity provider and back. */
export const SIGN_ON_COOKIE = '__Host-gantry-sign-on'
/** Of clients of old, below `/api`. */
export const OLD_ACCESS_COOKIE = 'access_token'

/** Longer than any token is; browsers keep no longer ones either. */
const LONGEST = 4_096

/**
 * One cookie of a `Cookie` header; undefined when it has none of that name.
 * @throws GantryError `UNAUTHENTICATED` when several of one name differ: somebody may have put one of them there
 */
export const cookieIn = (header: string | undefined, name: string): string | undefined => {
  if (header?.includes(name) !== true) return undefined
  const values = new Set(header.split(';').flatMap((pair) => parseCookie(pair)[name] ?? []))
  if (values.size > 1) throw new GantryError('UNAUTHENTICATED', { detail: `several cookies are called ${name}` })
  const [value] = values
  if (value !== undefined && value.length > LONGEST) {
    throw new GantryError('UNAUTHENTICATED', { detail: `the cookie ${name} is too long` })
  }
  return value === '' ? undefined : value
}

/** In the past it makes browsers forget the cookie. */
type Lifetime = { value: string; expiresAt: Date }

const FORGOTTEN: Lifetime = { value: '', expiresAt: new Date(0) }

const maxAgeOf = ({ expiresAt }: Lifetime) => Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1_000))

/**
 * A `Set-Cookie` of one of ours.
 * @param sameSite `lax`: it also comes with a navigation that another site began
 */
export const ownCookie = (name: string, kept: Lifetime = FORGOTTEN, sameSite: 'strict' | 'lax' = 'strict'): string =>
  stringifySetCookie({
    ...{ name, value: kept.value, maxAge: maxAgeOf(kept) },
    ...{ path: '/', secure: true, httpOnly: true, sameSite },
  })

/** As clients of old know it; over plain HTTP they would not get one that is `Secure`. */
export const oldCookie = (secure: boolean, kept: Lifetime = FORGOTTEN): string =>
  stringifySetCookie({
    ...{ name: OLD_ACCESS_COOKIE, value: kept.value, maxAge: maxAgeOf(kept) },
    ...{ path: '/api', secure, httpOnly: true, sameSite: 'strict' },
  })
