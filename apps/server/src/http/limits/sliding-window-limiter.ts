import type { Clock } from '../../kernel/clock.js'
import type { SharedWindow, SharedWindows } from '../../kernel/shared-windows.port.js'
import type { RateLimiter, RateVerdict } from './rate-limiter.port.js'

const WINDOW_MS = 60_000
/** Beyond this the keys that came first are forgotten, so that a flood of addresses cannot fill the memory. */
const MAX_KEYS = 50_000
/** Of the limit; what a process may let pass before it has told the others, rounded up. */
const PORTIONS = 20
/** What the others counted is asked for at least so often, as long as the key is used. */
const ASK_MS = 1_000
/** With each turn a portion passes, so that more turns than these end at the limit. */
const MAX_TURNS = 2 * PORTIONS

/** Of this window and the one before: what passed here, and what passed anywhere as far as it was told. */
interface Counts {
  window: number
  own: number
  ownBefore: number
  all: number
  allBefore: number
  /** Passed here, and the others do not know it yet. */
  untold: number
  telling: Promise<boolean> | null
  toldMs: number
}

/**
 * A sliding window of a minute per key, in memory: the previous window counts with the share of it that is still
 * within the last minute. Where processes share counts, each tells them what it lets pass, mostly while it goes on;
 * it waits for them only when a portion of the limit is untold. So n processes let pass the limit and n portions at most,
 * and each the limit while the shared counts are away.
 */
export class SlidingWindowLimiter implements RateLimiter {
  private readonly counts = new Map<string, Counts>()
  private readonly portion: number
  /** The clock of the shared counts before this one. */
  private aheadMs = 0
  /** Until then nobody waits for them. */
  private aloneUntilMs = -Infinity

  /** @param shared null: each process counts for itself */
  constructor(
    private readonly limitPerMinute: number,
    private readonly clock: Clock,
    private readonly shared: SharedWindows | null = null,
  ) {
    this.portion = Math.ceil(limitPerMinute / PORTIONS)
  }

  take(key: string, cost: number): RateVerdict | Promise<RateVerdict> {
    const counts = this.countsAt(key)
    if (this.shared === null) return this.counted(counts, cost)
    if (this.mustTell(counts, cost) && this.verdictOn(counts, cost).allowed) return this.takeWhenTold(key, cost)
    const verdict = this.counted(counts, cost)
    const isDue = 2 * counts.untold >= this.portion || this.clock.now() - counts.toldMs >= ASK_MS
    if (verdict.allowed && isDue) void this.tell(key, counts)
    return verdict
  }

  private mustTell({ untold }: Counts, cost: number): boolean {
    return untold > 0 && untold + cost > this.portion && this.clock.now() >= this.aloneUntilMs
  }

  private async takeWhenTold(key: string, cost: number): Promise<RateVerdict> {
    for (let turn = 0; turn < MAX_TURNS; turn += 1) {
      const counts = this.countsAt(key)
      if (!this.mustTell(counts, cost) || !this.verdictOn(counts, cost).allowed) break
      await this.tell(key, counts)
    }
    return this.counted(this.countsAt(key), cost)
  }

  private verdictOn(counts: Counts, cost: number): RateVerdict {
    const elapsedShare = (this.nowMs() % WINDOW_MS) / WINDOW_MS
    const before = Math.max(counts.ownBefore, counts.allBefore)
    const used = Math.max(counts.own, counts.all + counts.untold) + before * (1 - elapsedShare)
    const allowed = used + cost <= this.limitPerMinute
    return {
      allowed,
      limit: this.limitPerMinute,
      remaining: Math.max(0, Math.floor(this.limitPerMinute - used - (allowed ? cost : 0))),
      resetSeconds: Math.max(1, Math.ceil(((1 - elapsedShare) * WINDOW_MS) / 1_000)),
    }
  }

  private counted(counts: Counts, cost: number): RateVerdict {
    const verdict = this.verdictOn(counts, cost)
    if (verdict.allowed) {
      counts.own += cost
      counts.untold += cost
    }
    return verdict
  }

  /** Tells the others what passed here, and learns from them; one call at a time. @returns whether they could be asked */
  private tell(key: string, counts: Counts): Promise<boolean> {
    return (counts.telling ??= this.exchange(key, counts).finally(() => {
      counts.telling = null
    }))
  }

  private async exchange(key: string, counts: Counts): Promise<boolean> {
    const { untold, window } = counts
    counts.toldMs = this.clock.now()
    const said = (await this.shared?.add(key, untold, { window, windowMs: WINDOW_MS })) ?? null
    if (said === null) {
      this.aloneUntilMs = this.clock.now() + ASK_MS
      return false
    }
    this.aloneUntilMs = -Infinity
    // Until now it counted here, so that as much passed meanwhile as if it were not told.
    counts.untold -= untold
    counts.all += untold
    this.aheadMs = said.nowMs - this.clock.now()
    learn(this.countsAt(key), said)
    return true
  }

  private nowMs(): number {
    return this.clock.now() + this.aheadMs
  }

  private countsAt(key: string): Counts {
    const window = Math.floor(this.nowMs() / WINDOW_MS)
    const known = this.counts.get(key)
    // Clocks that are put back do not bring a window back.
    if (known !== undefined && known.window >= window) return known
    const counts = following(known, window)
    // Put last, so that the first key of the map is the one unused for longest.
    this.counts.delete(key)
    this.counts.set(key, counts)
    if (this.counts.size > MAX_KEYS) this.forgetOldest()
    // What is left of the window before is told as of that window.
    if (known !== undefined && known.untold > 0 && this.shared !== null) void this.tell(key, known)
    return counts
  }

  private forgetOldest(): void {
    const [oldest] = this.counts.keys()
    if (oldest !== undefined) this.counts.delete(oldest)
  }
}

const following = (known: Counts | undefined, window: number): Counts => {
  const before = known?.window === window - 1 ? known : undefined
  const [ownBefore, allBefore] = before === undefined ? [0, 0] : [before.own, before.all + before.untold]
  return { window, own: 0, ownBefore, all: 0, allBefore, untold: 0, telling: null, toldMs: -Infinity }
}

const learn = (counts: Counts, { nowMs, current, previous }: SharedWindow): void => {
  if (counts.window !== Math.floor(nowMs / WINDOW_MS)) return
  counts.all = current
  counts.allBefore = Math.max(counts.allBefore, previous)
}
