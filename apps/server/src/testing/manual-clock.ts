import type { CallOff, Timers } from '../kernel/index.js'

interface Alarm {
  atMs: number
  act: () => void
}

/** Time that passes when the test says so. */
export class ManualClock implements Timers {
  private passedMs = 0
  private readonly alarms = new Set<Alarm>()

  constructor(private readonly startMs = 1_700_000_000_000) {}

  now(): number {
    return this.startMs + this.passedMs
  }

  monotonicMs(): number {
    return this.passedMs
  }

  after(ms: number, act: () => void): CallOff {
    const alarm = { atMs: this.passedMs + ms, act }
    this.alarms.add(alarm)
    return () => this.alarms.delete(alarm)
  }

  deadline(ms: number): AbortSignal {
    const over = new AbortController()
    this.after(ms, () => over.abort(new DOMException('The operation timed out.', 'TimeoutError')))
    return over.signal
  }

  /** Lets time pass; what falls due meanwhile happens in order, with its consequences that need no further waiting. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.passedMs + ms
    for (let next = this.nextUntil(untilMs); next !== undefined; next = this.nextUntil(untilMs)) {
      this.alarms.delete(next)
      this.passedMs = next.atMs
      next.act()
      await new Promise(setImmediate)
    }
    this.passedMs = untilMs
    await new Promise(setImmediate)
  }

  private nextUntil(untilMs: number): Alarm | undefined {
    return [...this.alarms].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
  }
}
