/** Repeating work in wall time. One scheduler serves a whole fleet, so that 1,000 printers need one timer. */
export interface Scheduler {
  /** Calls `task` every `intervalMs` (wall ms, rounded up to the scheduler's tick). Returns the cancel function. */
  every(intervalMs: number, task: () => void): () => void
  /** How many of the wanted g-code lines may be executed now; a fleet shares one allowance per tick. */
  grantLines(wanted: number): number
}
