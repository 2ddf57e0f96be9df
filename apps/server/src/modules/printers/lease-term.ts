import type { CallOff, Timers } from '../../kernel/index.js'

/** A moment as this process's own clocks show it; worth something only beside another moment of the same process. */
export interface Moment {
  /** Goes on evenly, but may stand still while the whole machine sleeps. */
  monotonicMs: number
  /** Goes on while the machine sleeps, but may be put forward or back. */
  wallMs: number
}

export const momentOf = (clock: Timers): Moment => ({ monotonicMs: clock.monotonicMs(), wallMs: clock.now() })

/** How long ago that was, by whichever clock says longer: better a lease too short than one too long. */
export const millisecondsSince = (then: Moment, clock: Timers): number =>
  Math.max(clock.monotonicMs() - then.monotonicMs, clock.now() - then.wallMs)

/**
 * For how long this process may act on the printers that it leases, by its own clocks alone: counted from before the
 * renewal was sent, so that it is over here before it can be over in the database, whatever a clock elsewhere shows.
 * What is over stays over; a later lease is another term.
 */
export class LeaseTerm {
  private readonly over = new AbortController()
  private callOff: CallOff = () => undefined

  /**
   * @param since taken before the order to the database was sent
   * @param lengthMs less than the lease in the database, so that what is under way can end
   */
  constructor(
    private since: Moment,
    private readonly lengthMs: number,
    private readonly clock: Timers,
  ) {
    this.watch()
  }

  /** Aborts when the term ends. */
  get signal(): AbortSignal {
    return this.over.signal
  }

  /** Looks at the clocks itself: in a process that was frozen, or very busy, no timer has said so yet. */
  get isOver(): boolean {
    if (!this.signal.aborted && this.leftMs() <= 0) this.end()
    return this.signal.aborted
  }

  /** The lease was renewed by an order sent at that moment. @returns false when the term was over before the answer came */
  extend(since: Moment): boolean {
    if (this.isOver) return false
    this.since = since
    this.watch()
    return !this.isOver
  }

  end(): void {
    this.callOff()
    this.over.abort()
  }

  private leftMs(): number {
    return this.lengthMs - millisecondsSince(this.since, this.clock)
  }

  private watch(): void {
    this.callOff()
    this.callOff = this.clock.after(Math.max(1, this.leftMs()), () => {
      if (!this.isOver) this.watch()
    })
  }
}
