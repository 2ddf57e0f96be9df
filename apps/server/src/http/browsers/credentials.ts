import type { AllowedPages, Asked } from './allowed-pages.js'
import { ACCESS_COOKIE, cookieIn, OLD_ACCESS_COOKIE, REFRESH_COOKIE } from './cookies.js'

/** Who the caller says to be. */
export interface Credentials {
  /** As `Authorization` has it. */
  authorization: string | undefined
  /** Cookies come along unasked: those that are worth nothing are as if they had not come. */
  byCookie: boolean
}

/**
 * The header, if one came; else the access token of a cookie, from pages that are allowed.
 * @throws GantryError `CROSS_SITE_REFUSED`, `UNAUTHENTICATED` for cookies that contradict each other
 */
export const credentialsOf = (asked: Asked, pages: AllowedPages): Credentials => {
  const { authorization, cookie } = asked.headers
  if (authorization !== undefined || cookie === undefined) return { authorization, byCookie: false }
  const token = cookieIn(cookie, ACCESS_COOKIE) ?? (asked.isOld ? cookieIn(cookie, OLD_ACCESS_COOKIE) : undefined)
  const isSession = token !== undefined || cookieIn(cookie, REFRESH_COOKIE) !== undefined
  if (isSession) pages.assertAllowed(asked)
  return { authorization: token === undefined ? undefined : `Bearer ${token}`, byCookie: isSession }
}
