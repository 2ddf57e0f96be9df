import { createHash, timingSafeEqual } from 'node:crypto'

import type { Authenticator } from '../kernel/actor.js'
import { GantryError } from '../kernel/errors.js'
import { assertMay } from '../kernel/permissions.js'
import type { Exchange } from './exchange.js'

const digest = (text: string) => createHash('sha256').update(text).digest()

const bearsToken = ({ req }: Exchange, token: string | null): boolean => {
  const given = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1]
  return token !== null && given !== undefined && timingSafeEqual(digest(given), digest(token))
}

/**
 * Lets pass who may look after the system, and whoever bears the token if one is set.
 * @throws GantryError `UNAUTHENTICATED`, `FORBIDDEN`, and what the authenticator throws
 */
export const assertSystemAccess = async (
  exchange: Exchange,
  authenticator: Pick<Authenticator, 'authenticate'>,
  token: string | null = null,
): Promise<void> => {
  if (bearsToken(exchange, token)) return
  exchange.actor = await authenticator.authenticate(exchange.credentials().authorization)
  if (exchange.actor === null) throw new GantryError('UNAUTHENTICATED')
  assertMay(exchange.actor, 'system.read')
}
