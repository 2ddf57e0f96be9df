import { LRUCache } from 'lru-cache'

/** The same error again is told once a minute, with how often it was left out. */
const SAME_EVERY_MS = 60_000
/** Of whatever kind. */
const MOST_A_MINUTE = 20
const MINUTE_MS = 60_000
/** Kinds of errors that are remembered; an older one counts as new. */
const MOST_KINDS = 500

interface Kind {
  untilMs: number
  leftOut: number
}

/** How much may be reported: an error in a loop must neither fill the receiver nor cost this process anything. */
export class ReportLimits {
  private readonly kinds = new LRUCache<string, Kind>({ max: MOST_KINDS })
  private minuteEndsMs = -Infinity
  private inMinute = 0

  constructor(private readonly clock: { monotonicMs(): number }) {}

  /** @returns how many of the kind were left out since the last one that was let through; null: leave this one out */
  admit(kind: string): number | null {
    const nowMs = this.clock.monotonicMs()
    const known = this.kinds.get(kind)
    if ((known !== undefined && nowMs < known.untilMs) || !this.hasRoom(nowMs)) {
      this.kinds.set(kind, { untilMs: known?.untilMs ?? nowMs, leftOut: (known?.leftOut ?? 0) + 1 })
      return null
    }
    this.inMinute += 1
    this.kinds.set(kind, { untilMs: nowMs + SAME_EVERY_MS, leftOut: 0 })
    return known?.leftOut ?? 0
  }

  private hasRoom(nowMs: number): boolean {
    if (nowMs >= this.minuteEndsMs) {
      this.minuteEndsMs = nowMs + MINUTE_MS
      this.inMinute = 0
    }
    return this.inMinute < MOST_A_MINUTE
  }
}
