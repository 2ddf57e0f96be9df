/** One count: how many may be in it within the window. */
export interface Counted {
  key: string
  limit: number
}

/** Counts over a sliding window that all processes share. Never throws. */
export interface SlidingCounts {
  /**
   * Adds one to each, or to none when one of them is full.
   * @returns for how long there is no room, in milliseconds; 0 when it was added; null when nobody can tell
   */
  take(counted: readonly Counted[], windowMs: number): Promise<number | null>
  /** Empties a count, and takes the latest out of others. */
  giveBack(emptied: string, others: readonly string[]): Promise<void>
}
