import { hash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import type { Clock } from '../../kernel/index.js'

const MOST_TOKENS = 10_000

export interface AccessTokenClaims {
  userId: string
  sessionId: string
}

interface Verified {
  claims: AccessTokenClaims
  expiresMs: number
}

/** A changed token is another token; the token itself does not lie about in memory for as long as it is worth something. */
const nameOf = (token: string): string => hash('sha256', token, 'base64')

/**
 * Tokens whose signature was found good, or made here, until they expire. What it answers says nothing of the session: that is asked
 * for each time. Refusals are not remembered, so that nobody fills it with garbage.
 */
export class VerifiedTokens {
  private readonly verified: LRUCache<string, Verified>

  constructor(
    private readonly clock: Clock,
    /** The least recently used go first. */
    max = MOST_TOKENS,
  ) {
    this.verified = new LRUCache({ max })
  }

  recall(token: string): AccessTokenClaims | undefined {
    const name = nameOf(token)
    const known = this.verified.get(name)
    if (known === undefined) return undefined
    if (this.clock.now() < known.expiresMs) return known.claims
    this.verified.delete(name)
    return undefined
  }

  clear(): void {
    this.verified.clear()
  }

  remember(token: string, claims: AccessTokenClaims, expiresMs: number): void {
    this.verified.set(nameOf(token), { claims, expiresMs })
  }
}
