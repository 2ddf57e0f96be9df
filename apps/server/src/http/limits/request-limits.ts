import type { IncomingMessage } from 'node:http'

import { GantryError } from '../../kernel/errors.js'
import type { Exchange } from '../exchange.js'
import { LIMITS } from '../settings.js'

const refuse = (detail: string) => new GantryError('VALIDATION_FAILED', { params: { detail } })

/** node:http takes the first of several; whatever stands before this server may have taken the last. */
const ONCE_ONLY: ReadonlySet<string> = new Set(['host', 'authorization', 'content-type', 'content-encoding', 'origin'])

const assertHeaders = ({ rawHeaders, headers, httpVersion }: IncomingMessage): void => {
  if (rawHeaders.length > 2 * LIMITS.headerLines) {
    throw new GantryError('REQUEST_TOO_LARGE', { params: { what: 'headers' } })
  }
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    if (!ONCE_ONLY.has(name)) continue
    if (seen.has(name)) throw refuse(`there is more than one header ${name}`)
    seen.add(name)
  }
  if (httpVersion === '1.1' && headers.host === undefined) throw refuse('there is no header host')
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    throw refuse('nothing but 100-continue can be expected')
  }
}

/** @throws GantryError `REQUEST_TOO_LARGE` or `VALIDATION_FAILED`, before anything of the request is worked on */
export const assertWithinLimits = ({ req, path }: Exchange): void => {
  if (Buffer.byteLength(req.url ?? '') > LIMITS.urlBytes) {
    throw new GantryError('REQUEST_TOO_LARGE', { params: { what: 'url', limitBytes: LIMITS.urlBytes } })
  }
  if (req.httpVersion !== '1.1' && req.httpVersion !== '1.0') throw refuse('this is not HTTP/1.1')
  if (!path.startsWith('/')) throw refuse('the URL has no path')
  assertHeaders(req)
}
