import { createHash, timingSafeEqual } from 'node:crypto'

import type { Authenticator } from '../kernel/actor.js'
import { GantryError } from '../kernel/errors.js'
import { assertMay } from '../kernel/permissions.js'
import type { Exchange } from './exchange.js'
import { applyRateLimit, assertMayGuess, assertMayLookUp, noteGuess } from './limits/rate-limit.js'
import type { RateLimiter } from './limits/rate-limiter.port.js'

const digest = (text: string) => createHash('sha256').update(text).digest()

const bearsToken = ({ req }: Exchange, token: string | null): boolean => {
  const given = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1]
  return token !== null && given !== undefined && timingSafeEqual(digest(given), digest(token))
}

export interface SystemAccess {
  authenticator: Pick<Authenticator, 'authenticate'>
  rateLimiter: RateLimiter
  /** @default none is set */
  token?: string | null
}

/**
 * Lets pass who may look after the system, and whoever bears the token if one is set. Neither counts for the rate limit: they
 * look when others are at theirs. Whoever is refused does.
 * @throws GantryError `UNAUTHENTICATED`, `FORBIDDEN`, `RATE_LIMITED`, and what the authenticator throws
 */
export const assertSystemAccess = async (
  exchange: Exchange,
  { authenticator, rateLimiter, token = null }: SystemAccess,
): Promise<void> => {
  const { authorization } = exchange.credentials()
  if (authorization !== undefined) await assertMayGuess(exchange, rateLimiter)
  if (bearsToken(exchange, token)) return
  try {
    exchange.actor = await authenticator.authenticate(authorization, () => assertMayLookUp(exchange, rateLimiter))
  } catch (error) {
    // Not being able to find out is no guess.
    if (error instanceof GantryError && error.code !== 'UNAVAILABLE') await noteGuess(exchange, rateLimiter)
    await applyRateLimit(exchange, rateLimiter, 1)
    throw error
  }
  const { actor } = exchange
  if (actor?.permissions.has('system.read') === true) return
  await applyRateLimit(exchange, rateLimiter, 1)
  if (actor === null) throw new GantryError('UNAUTHENTICATED')
  assertMay(actor, 'system.read')
}
