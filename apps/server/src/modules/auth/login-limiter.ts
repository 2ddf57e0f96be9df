import { LRUCache } from 'lru-cache'

import { GantryError, type Clock } from '../../kernel/index.js'

const WINDOW_MS = 15 * 60_000
/**
 * Failures per window. An account may fail more often than one address may fail with it, so that a stranger cannot
 * lock somebody out from a single place.
 */
const MAX_OF_PAIR = 10
const MAX_OF_ADDRESS = 50
const MAX_OF_ACCOUNT = 100
/** What is unused for longest is forgotten, so that a flood of names cannot fill the memory. */
const MAX_KEYS = 50_000

interface Failures {
  count: number
  sinceMs: number
}

/** Counts failed logins per account, address and pair of both, in this process's memory. */
export class LoginLimiter {
  private readonly failures = new LRUCache<string, Failures>({ max: MAX_KEYS })
  private prunedAtMs = 0

  constructor(private readonly clock: Clock) {}

  /**
   * Counts a try as failed until {@link succeeded} takes it back, so that many at once are not checked for nothing.
   * @throws GantryError `RATE_LIMITED`
   */
  begin(email: string, address: string | null): void {
    this.prune()
    const limits = limitsOf(email, address)
    const waitMs = Math.max(...limits.map(([key, limit]) => this.waitMs(key, limit)))
    if (waitMs > 0) throw new GantryError('RATE_LIMITED', { retryAfterSeconds: Math.ceil(waitMs / 1_000) })
    for (const [key] of limits) this.add(key, 1)
  }

  /** The right password ends the count of the pair; the others only lose this try. */
  succeeded(email: string, address: string | null): void {
    const [[pair], ...others] = limitsOf(email, address)
    this.failures.delete(pair)
    for (const [key] of others) this.add(key, -1)
  }

  /** Forgets counts whose window is over, once per window: no other process could do it for this one. */
  private prune(): void {
    const nowMs = this.clock.now()
    if (nowMs < this.prunedAtMs + WINDOW_MS) return
    this.prunedAtMs = nowMs
    for (const [key, { sinceMs }] of this.failures.entries()) {
      if (nowMs >= sinceMs + WINDOW_MS) this.failures.delete(key)
    }
  }

  /** How many counts are kept. */
  get size(): number {
    return this.failures.size
  }

  private waitMs(key: string, limit: number): number {
    const found = this.current(key)
    return found !== null && found.count >= limit ? found.sinceMs + WINDOW_MS - this.clock.now() : 0
  }

  private add(key: string, change: number): void {
    const { count, sinceMs } = this.current(key) ?? { count: 0, sinceMs: this.clock.now() }
    this.failures.set(key, { count: Math.max(0, count + change), sinceMs })
  }

  private current(key: string): Failures | null {
    const found = this.failures.get(key)
    return found === undefined || this.clock.now() >= found.sinceMs + WINDOW_MS ? null : found
  }
}

const limitsOf = (email: string, address: string | null): [[string, number], ...[string, number][]] => [
  [`pair ${address ?? ''} ${email}`, MAX_OF_PAIR],
  [`address ${address ?? ''}`, MAX_OF_ADDRESS],
  [`account ${email}`, MAX_OF_ACCOUNT],
]
