import type { CacheBreakerState } from '@gantry/schemas'

import type { CallOff, Timers } from '../kernel/clock.js'

export interface CircuitBreakerOptions {
  clock: Pick<Timers, 'after' | 'monotonicMs'>
  /** Tries the other side once; true when it answered well. Never rejects. */
  probe: () => Promise<boolean>
  onChange: (state: CacheBreakerState) => void
}

/** Two slots of half a second each are looked back upon. */
const SLOT_MS = 500
/** So many bad calls, and at least half of all, open it. */
const BAD_CALLS = 3
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 2_000

interface Slot {
  number: number
  calls: number
  bad: number
}

const emptySlot = (number: number): Slot => ({ number, calls: 0, bad: 0 })

/** Keeps calls away from something that fails or is slow; after a pause, and by a probe of its own, it lets them pass again. */
export class CircuitBreaker {
  private current: CacheBreakerState = 'closed'
  private newer = emptySlot(0)
  private older = emptySlot(-1)
  private pauseMs = FIRST_PAUSE_MS
  private callOff: CallOff = () => undefined
  private stopped = false

  constructor(private readonly options: CircuitBreakerOptions) {}

  get state(): CacheBreakerState {
    return this.current
  }

  /** @param good whether the call succeeded, and in good time */
  record(good: boolean): void {
    if (this.current !== 'closed') return
    this.turnTo(Math.floor(this.options.clock.monotonicMs() / SLOT_MS))
    this.newer.calls += 1
    if (!good) this.newer.bad += 1
    const [calls, bad] = [this.older.calls + this.newer.calls, this.older.bad + this.newer.bad]
    if (bad >= BAD_CALLS && bad * 2 >= calls) this.open()
  }

  stop(): void {
    this.stopped = true
    this.callOff()
  }

  private turnTo(number: number): void {
    if (number === this.newer.number) return
    this.older = number === this.newer.number + 1 ? this.newer : emptySlot(number - 1)
    this.newer = emptySlot(number)
  }

  private open(): void {
    this.become('open')
    this.callOff = this.options.clock.after(this.pauseMs, () => void this.tryAgain())
  }

  private async tryAgain(): Promise<void> {
    this.become('half-open')
    const good = await this.options.probe()
    if (this.stopped) return
    if (!good) {
      this.pauseMs = Math.min(LONGEST_PAUSE_MS, this.pauseMs * 2)
      this.open()
      return
    }
    this.pauseMs = FIRST_PAUSE_MS
    this.newer = emptySlot(0)
    this.older = emptySlot(-1)
    this.become('closed')
  }

  private become(state: CacheBreakerState): void {
    this.current = state
    this.options.onChange(state)
  }
}
