/** What all processes have counted of a key in the window that is now and in the one before. */
export interface SharedWindow {
  /** By the clock of whoever counts for all. */
  nowMs: number
  current: number
  previous: number
}

/** Counts per window of time that all processes share; window n begins n windows after 1970. Never throws. */
export interface SharedWindows {
  /**
   * Adds what was counted in a window, which may be the one before.
   * @returns null when nobody can tell
   */
  add(key: string, count: number, at: { window: number; windowMs: number }): Promise<SharedWindow | null>
}
