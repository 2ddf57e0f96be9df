import type { Clock } from './clock.js'
import type { Scheduler } from './scheduler.js'

/** Wall ms between two looks at a working machine. */
const TICK_MS = 100
const LINES_PER_GRANT = 256
/** Some 10 ms of work; a fleet's scheduler may grant less. */
const LINES_PER_TICK = 8192

/** Takes a machine through time, one step (a line, a passing state) after the other; at rest it has no timer. */
export class Timeline {
  /** Machine time up to which everything was executed; behind the clock when there is more work than time. */
  timeMs: number
  /** When the step in execution ends; null when nothing is to be done. */
  #dueMs: number | null = null
  #cancelTicking: (() => void) | null = null

  constructor(
    private readonly clock: Clock,
    private readonly scheduler: Scheduler,
    /** The step in execution has ended: begin the next one with `workUntil`, or `rest`. */
    private readonly onStepEnd: () => void,
  ) {
    this.timeMs = clock.nowMs()
  }

  get resting(): boolean {
    return this.#dueMs === null
  }

  /** The end of the step in execution, or now. */
  get stepEndMs(): number {
    return this.#dueMs ?? this.timeMs
  }

  /** Times are continuous between two ticks, but never pass the end of the step in execution. */
  readMs(): number {
    const now = this.clock.nowMs()
    return Math.max(this.timeMs, this.#dueMs === null ? now : Math.min(now, this.#dueMs))
  }

  /** Brings the machine to the clock, as far as the work of one tick allows. */
  advance(): void {
    const now = this.clock.nowMs()
    let linesLeft = LINES_PER_TICK
    let granted = 0
    while (this.#dueMs !== null && this.#dueMs <= now) {
      if (granted === 0) {
        granted = linesLeft > 0 ? this.scheduler.grantLines(LINES_PER_GRANT) : 0
        linesLeft -= granted
        if (granted === 0) return
      }
      granted--
      this.timeMs = Math.max(this.timeMs, this.#dueMs)
      this.onStepEnd()
    }
    this.timeMs = Math.max(this.timeMs, now)
  }

  workUntil(dueMs: number): void {
    this.#dueMs = dueMs
    this.#cancelTicking ??= this.scheduler.every(TICK_MS, () => this.advance())
  }

  rest(): void {
    this.#dueMs = null
    this.#cancelTicking?.()
    this.#cancelTicking = null
  }
}
