import type { EventFreshness } from '../kernel/events.js'

/** Without word from either lane for this long, invalidations may have been missed. */
const SILENCE_MS = 2_000

/**
 * Invalidations arrive by two lanes: the cursor of stored events, and Redis. While one of them is known to work, what
 * is in memory may be answered.
 */
export class Lanes {
  private redisHeardAtMs = Number.NEGATIVE_INFINITY

  constructor(private readonly events: EventFreshness) {}

  /** A message of our own has come back by Redis. */
  redisHeard(nowMs: number): void {
    this.redisHeardAtMs = nowMs
  }

  areAlive(nowMs: number): boolean {
    return nowMs - this.redisHeardAtMs <= SILENCE_MS || nowMs - this.events.currentAsOfMs() <= SILENCE_MS
  }
}
