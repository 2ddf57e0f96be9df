import type { Clock } from '../../kernel/clock.js'
import type { RateLimiter, RateVerdict } from './rate-limiter.port.js'

const WINDOW_MS = 60_000
/** Beyond this the keys that came first are forgotten, so that a flood of addresses cannot fill the memory. */
const MAX_KEYS = 50_000

interface Counts {
  window: number
  current: number
  previous: number
}

/**
 * A sliding window of a minute per key, in memory: the previous window counts with the share of it that is still
 * within the last minute.
 */
export class SlidingWindowLimiter implements RateLimiter {
  private readonly counts = new Map<string, Counts>()

  constructor(
    private readonly limitPerMinute: number,
    private readonly clock: Clock,
  ) {}

  take(key: string, cost: number): RateVerdict {
    const now = this.clock.now()
    const counts = this.countsAt(key, Math.floor(now / WINDOW_MS))
    const elapsedShare = (now % WINDOW_MS) / WINDOW_MS
    const used = counts.current + counts.previous * (1 - elapsedShare)
    const allowed = used + cost <= this.limitPerMinute
    if (allowed) counts.current += cost
    return {
      allowed,
      limit: this.limitPerMinute,
      remaining: Math.max(0, Math.floor(this.limitPerMinute - used - (allowed ? cost : 0))),
      resetSeconds: Math.max(1, Math.ceil(((1 - elapsedShare) * WINDOW_MS) / 1_000)),
    }
  }

  private countsAt(key: string, window: number): Counts {
    const known = this.counts.get(key)
    if (known?.window === window) return known
    const previous = known?.window === window - 1 ? known.current : 0
    const counts = { window, current: 0, previous }
    // Put last, so that the first key of the map is the one unused for longest.
    this.counts.delete(key)
    this.counts.set(key, counts)
    if (this.counts.size > MAX_KEYS) this.forgetOldest()
    return counts
  }

  private forgetOldest(): void {
    const [oldest] = this.counts.keys()
    if (oldest !== undefined) this.counts.delete(oldest)
  }
}
