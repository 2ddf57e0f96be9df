import { GantryError } from '../../kernel/errors.js'
import { networkOf } from '../../kernel/network-of.js'
import type { Exchange } from '../exchange.js'
import type { RateLimiter } from './rate-limiter.port.js'

/** One household of IPv6 addresses (/64) counts as one caller. */
export const callerKeyOf = ({ actor, address }: Pick<Exchange, 'actor' | 'address'>): string =>
  actor === null ? `address:${networkOf(address)}` : `${actor.kind}:${actor.id}`

/**
 * Counts the request for its actor, or for its address when nobody logged in, and tells the state in headers.
 * @throws GantryError `RATE_LIMITED`
 */
export const applyRateLimit = async (exchange: Exchange, limiter: RateLimiter, cost: number): Promise<void> => {
  const taken = limiter.take(callerKeyOf(exchange), cost)
  const verdict = taken instanceof Promise ? await taken : taken
  exchange.head['RateLimit-Limit'] = verdict.limit
  exchange.head['RateLimit-Remaining'] = verdict.remaining
  exchange.head['RateLimit-Reset'] = verdict.resetSeconds
  if (!verdict.allowed) {
    throw new GantryError('RATE_LIMITED', {
      params: { limit: verdict.limit, of: 'calls per minute' },
      retryAfterSeconds: verdict.resetSeconds,
    })
  }
}
