import type { IncomingHttpHeaders } from 'node:http'

import { GantryError } from '../../kernel/errors.js'

/** Pages cannot send it to another origin without asking that beforehand (CORS), so that it proves an allowed page. */
export const SESSION_HEADER = 'x-gantry-session'
export const COOKIE_SESSION = 'cookie'

const READING = ['GET', 'HEAD']

export interface AllowedPagesOptions {
  /** As browsers write them in `Origin`. */
  corsOrigins: readonly string[]
  /** Where users reach this server; null: at the `Host` that they ask. */
  publicUrl: string | null
}

/** What is looked at of a request. */
export interface Asked {
  method: string
  headers: IncomingHttpHeaders
  /** Whether its route is for clients of old, who send no header of ours. */
  isOld: boolean
}

/** From which web pages requests by cookie are taken: browsers send cookies along whoever asks. */
export class AllowedPages {
  constructor(private readonly options: AllowedPagesOptions) {}

  /**
   * Changes need an `Origin` that is allowed and the header. Reads change nothing, and what a foreign page may not read
   * CORS keeps from it; but that none is even begun, whatever the browser says of their page must speak for them.
   * @throws GantryError `CROSS_SITE_REFUSED`
   */
  assertAllowed({ method, headers, isOld }: Asked): void {
    if (READING.includes(method)) {
      if (!this.mayRead(headers, isOld)) throw refused('origin')
      return
    }
    if (!this.isAllowed(headers)) throw refused('origin')
    if (!isOld && !hasHeader(headers)) throw refused('header')
  }

  private mayRead(headers: IncomingHttpHeaders, isOld: boolean): boolean {
    if (headers.origin !== undefined) return this.isAllowed(headers)
    const site = headers['sec-fetch-site']
    // Browsers send no `Origin` with reads of the same origin. `none`: a person typed the address.
    if (site !== undefined) return site === 'same-origin' || site === 'none'
    return isOld || hasHeader(headers)
  }

  private isAllowed(headers: IncomingHttpHeaders): boolean {
    const { origin } = headers
    if (origin === undefined || origin === 'null') return false
    return this.options.corsOrigins.includes(origin) || this.isOwn(origin, headers)
  }

  /** Where the browser itself says whether the page is ours, nothing else counts; it does so over TLS and on localhost. */
  private isOwn(origin: string, { host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
    if (site !== undefined) return site === 'same-origin'
    return origin === (this.options.publicUrl ?? `http://${host ?? ''}`)
  }
}

const hasHeader = (headers: IncomingHttpHeaders) => headers[SESSION_HEADER] === COOKIE_SESSION

const refused = (missing: 'origin' | 'header') => new GantryError('CROSS_SITE_REFUSED', { params: { missing } })
