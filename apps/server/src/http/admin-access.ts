import { createHash, timingSafeEqual } from 'node:crypto'

import type { Authenticator } from '../kernel/actor.js'
import { GantryError } from '../kernel/errors.js'
import type { Exchange } from './exchange.js'

const digest = (text: string) => createHash('sha256').update(text).digest()

const bearsToken = ({ req }: Exchange, token: string | null): boolean => {
  const given = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1]
  return token !== null && given !== undefined && timingSafeEqual(digest(given), digest(token))
}

/**
 * Lets admins pass, and whoever bears the token if one is set.
 * @throws GantryError `UNAUTHENTICATED`, `FORBIDDEN`, and what the authenticator throws
 */
export const assertAdmin = async (
  exchange: Exchange,
  authenticator: Pick<Authenticator, 'authenticate'>,
  token: string | null = null,
): Promise<void> => {
  if (bearsToken(exchange, token)) return
  exchange.actor = await authenticator.authenticate(exchange.req.headers.authorization)
  if (exchange.actor === null) throw new GantryError('UNAUTHENTICATED')
  if (exchange.actor.role !== 'admin') {
    throw new GantryError('FORBIDDEN', { params: { needs: 'admin', has: exchange.actor.role } })
  }
}
