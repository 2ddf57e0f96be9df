import { LRUCache } from 'lru-cache'

import type { Clock, Counted } from '../../kernel/index.js'

/** What is unused for longest is forgotten, so that a flood of names cannot fill the memory. */
const MAX_KEYS = 50_000
/** No limit is higher. */
const MAX_TIMES = 100

/** Counts over a sliding window in this process's memory. */
export class OwnCounts {
  private readonly times = new LRUCache<string, number[]>({ max: MAX_KEYS })
  private prunedAtMs = 0

  constructor(
    private readonly clock: Clock,
    private readonly windowMs: number,
  ) {}

  /** For how long one of them has no room, in milliseconds; 0 when all have. */
  waitMs(counted: readonly Counted[]): number {
    const nowMs = this.clock.now()
    const waits = counted.map(({ key, limit }) => {
      const times = this.within(key, nowMs)
      const firstToGo = times[times.length - limit]
      return firstToGo === undefined ? 0 : firstToGo + this.windowMs - nowMs
    })
    return Math.max(0, ...waits)
  }

  add(keys: readonly string[]): void {
    const nowMs = this.clock.now()
    this.prune(nowMs)
    for (const key of keys) this.times.set(key, [...this.within(key, nowMs), nowMs].slice(-MAX_TIMES))
  }

  giveBack(emptied: string, others: readonly string[]): void {
    this.times.delete(emptied)
    for (const key of others) this.times.set(key, this.within(key, this.clock.now()).slice(0, -1))
  }

  /** How many counts are kept. */
  get size(): number {
    return this.times.size
  }

  private within(key: string, nowMs: number): number[] {
    return (this.times.get(key) ?? []).filter((atMs) => atMs > nowMs - this.windowMs)
  }

  /** Forgets counts whose window is over, once per window: no other process could do it for this one. */
  private prune(nowMs: number): void {
    if (nowMs < this.prunedAtMs + this.windowMs) return
    this.prunedAtMs = nowMs
    for (const key of [...this.times.keys()]) {
      if (this.within(key, nowMs).length === 0) this.times.delete(key)
    }
  }
}
