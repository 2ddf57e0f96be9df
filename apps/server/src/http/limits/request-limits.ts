import { GantryError } from '../../kernel/errors.js'
import type { Exchange } from '../exchange.js'
import { LIMITS } from '../settings.js'

/** @throws GantryError `REQUEST_TOO_LARGE` or `VALIDATION_FAILED`, before anything of the request is worked on */
export const assertWithinLimits = ({ req, path }: Exchange): void => {
  if (Buffer.byteLength(req.url ?? '') > LIMITS.urlBytes) {
    throw new GantryError('REQUEST_TOO_LARGE', { params: { what: 'url', limitBytes: LIMITS.urlBytes } })
  }
  if (!path.startsWith('/')) throw new GantryError('VALIDATION_FAILED', { params: { detail: 'the URL has no path' } })
}
