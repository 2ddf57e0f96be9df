import { systemClock, type CallOff, type Timers } from '../kernel/index.js'

/** The system's clock in a process that can stand still: time passes, and no timer fires until it goes on. */
export class FreezableClock implements Timers {
  private frozen = false
  /** Fell due meanwhile. */
  private readonly due = new Set<() => void>()

  now(): number {
    return systemClock.now()
  }

  monotonicMs(): number {
    return systemClock.monotonicMs()
  }

  after(ms: number, act: () => void): CallOff {
    const fire = () => {
      if (this.frozen) this.due.add(fire)
      else act()
    }
    const callOff = systemClock.after(ms, fire)
    return () => {
      this.due.delete(fire)
      callOff()
    }
  }

  deadline(ms: number): AbortSignal {
    const over = new AbortController()
    this.after(ms, () => over.abort(new DOMException('The operation timed out.', 'TimeoutError')))
    return over.signal
  }

  freeze(): void {
    this.frozen = true
  }

  thaw(): void {
    this.frozen = false
    for (const fire of [...this.due]) {
      // What fires first may call off what would fire next.
      if (this.due.delete(fire)) fire()
    }
  }
}
