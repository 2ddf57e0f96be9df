import type { Exchange } from './exchange.js'

const METHODS = 'GET, POST, PUT, PATCH, DELETE'
const REQUEST_HEADERS =
  'Authorization, Content-Type, Content-Disposition, Last-Event-ID, X-Gantry-Session, X-Request-Id, trpc-accept, traceparent'
const EXPOSED_HEADERS =
  'X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Content-Disposition, Link'
const PREFLIGHT_SECONDS = 600

/**
 * Tells browsers which foreign pages may read the answer. An origin that is not listed gets no header at all.
 * @returns true when the request was a preflight and has been answered
 */
export const applyCors = (exchange: Exchange, origins: readonly string[]): boolean => {
  const { req, res, head, method } = exchange
  const { origin } = req.headers
  if (origin === undefined) return false
  head['Vary'] = 'Origin'
  const isAllowed = origins.includes(origin)
  if (isAllowed) {
    head['Access-Control-Allow-Origin'] = origin
    head['Access-Control-Allow-Credentials'] = 'true'
    head['Access-Control-Expose-Headers'] = EXPOSED_HEADERS
  }
  if (method !== 'OPTIONS' || req.headers['access-control-request-method'] === undefined) return false
  if (isAllowed) {
    head['Access-Control-Allow-Methods'] = METHODS
    head['Access-Control-Allow-Headers'] = REQUEST_HEADERS
    head['Access-Control-Max-Age'] = PREFLIGHT_SECONDS
  }
  exchange.applyHead()
  res.writeHead(204).end()
  return true
}
