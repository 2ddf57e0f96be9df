export interface RateVerdict {
  allowed: boolean
  /** Calls per window. */
  limit: number
  remaining: number
  /** Until enough calls are allowed again. */
  resetSeconds: number
}

/** Counts calls per key. */
export interface RateLimiter {
  /** Counts `cost` calls of `key`, unless they are not allowed. */
  take(key: string, cost: number): RateVerdict | Promise<RateVerdict>
}
