import type { Exchange } from './exchange.js'

const METHODS = 'GET, POST, PUT, PATCH, DELETE'
const REQUEST_HEADERS =
  'Authorization, Content-Type, Content-Disposition, Last-Event-ID, X-Request-Id, trpc-accept, traceparent'
const EXPOSED_HEADERS =
  'X-Request-Id, Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Content-Disposition'
const PREFLIGHT_SECONDS = 600

/**
 * Tells browsers which foreign pages may read the answer. An origin that is not listed gets no header at all.
 * @returns true when the request was a preflight and has been answered
 */
export const applyCors = ({ req, res, method }: Exchange, origins: readonly string[]): boolean => {
  const { origin } = req.headers
  if (origin === undefined) return false
  res.setHeader('Vary', 'Origin')
  const isAllowed = origins.includes(origin)
  if (isAllowed) {
    res.setHeader('Access-Control-Allow-Origin', origin)
    res.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS)
  }
  if (method !== 'OPTIONS' || req.headers['access-control-request-method'] === undefined) return false
  if (isAllowed) {
    res.setHeader('Access-Control-Allow-Methods', METHODS)
    res.setHeader('Access-Control-Allow-Headers', REQUEST_HEADERS)
    res.setHeader('Access-Control-Max-Age', PREFLIGHT_SECONDS)
  }
  res.writeHead(204).end()
  return true
}
