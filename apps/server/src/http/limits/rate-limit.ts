import { GantryError } from '../../kernel/errors.js'
import { networkOf } from '../../kernel/network-of.js'
import type { Exchange } from '../exchange.js'
import type { RateLimiter, RateVerdict } from './rate-limiter.port.js'

/** One household of IPv6 addresses (/64) counts as one caller. */
export const callerKeyOf = ({ actor, address }: Pick<Exchange, 'actor' | 'address'>): string =>
  actor === null ? `address:${networkOf(address)}` : `${actor.kind}:${actor.id}`

const rateLimited = ({ limit, resetSeconds }: RateVerdict) =>
  new GantryError('RATE_LIMITED', { params: { limit, of: 'calls per minute' }, retryAfterSeconds: resetSeconds })

/** Looks whether the key may have one more, without counting it. @throws GantryError `RATE_LIMITED` */
const assertLeft = async (limiter: RateLimiter, key: string): Promise<void> => {
  const verdict = await limiter.take(key, 0)
  if (verdict.remaining < 1) throw rateLimited(verdict)
}

/** Nobody looks for what an address makes up when it is at its limit. @throws GantryError `RATE_LIMITED` */
export const assertMayLookUp = ({ address }: Pick<Exchange, 'address'>, limiter: RateLimiter): Promise<void> =>
  assertLeft(limiter, callerKeyOf({ actor: null, address }))

/** Wrong credentials alone, so that those who share an address do not keep the bearer of a good token out. */
const guessKeyOf = ({ address }: Pick<Exchange, 'address'>): string => `guesses:${networkOf(address)}`

/** @throws GantryError `RATE_LIMITED` */
export const assertMayGuess = (exchange: Pick<Exchange, 'address'>, limiter: RateLimiter): Promise<void> =>
  assertLeft(limiter, guessKeyOf(exchange))

export const noteGuess = async (exchange: Pick<Exchange, 'address'>, limiter: RateLimiter): Promise<void> => {
  await limiter.take(guessKeyOf(exchange), 1)
}

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
  if (!verdict.allowed) throw rateLimited(verdict)
}
