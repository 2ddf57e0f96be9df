import { invalidField } from '../../kernel/index.js'

export interface ReturnPages {
  /** How users reach this server: an origin. */
  publicUrl: string
  /** Of pages that may call the API. */
  corsOrigins: readonly string[]
}

const LONGEST = 1_000
const LOOPBACK = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):\d{1,5}$/

/**
 * Where a browser may be sent at the end: a path of this server, or a page that may call the API. What gets a ticket that
 * is worth nothing without the client's verifier may also be a program on the user's machine (RFC 8252).
 * @returns the whole URL
 * @throws GantryError `VALIDATION_FAILED`
 */
export const checkedReturnTo = (text: string, pages: ReturnPages, withTicket: boolean): string => {
  const { publicUrl, corsOrigins } = pages
  // Browsers leave out what they do not take for a part of an address, and read a backslash as a slash.
  const isPlain = text.length <= LONGEST && /^[\x21-\x7e]+$/.test(text) && !text.includes('\\')
  const isPath = text.startsWith('/') && !text.startsWith('//')
  if (!isPlain || !(isPath || /^https?:\/\//i.test(text)) || !URL.canParse(text, publicUrl)) throw refused()
  const url = new URL(text, publicUrl)
  const isOurs = url.origin === publicUrl || corsOrigins.includes(url.origin)
  if (url.username !== '' || url.password !== '' || !(isOurs || (withTicket && LOOPBACK.test(url.origin))))
    throw refused()
  return url.href
}

const refused = () => invalidField('return_to', 'must be a path here, or a page of an allowed origin')
