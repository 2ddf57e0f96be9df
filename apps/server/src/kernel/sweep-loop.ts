import { uncorrelated } from './correlation.js'
import type { Stoppable } from './lifecycle.js'

export interface SweepLoopOptions {
  /** Does what there is to do. @returns after how many milliseconds to look again without a hint */
  look: () => Promise<number>
  /** After how long it is looked for the first time, and again after a look that failed. */
  everyMs: number
  /** Told when a look fails after one that did not; those that fail after it are not told. */
  onTrouble: (error: unknown) => void
}

/** Looks whether there is something to do: at each hint, one look after the other, and now and then without one. */
export class SweepLoop implements Stoppable {
  private timer: NodeJS.Timeout | undefined
  private looking: Promise<void> | null = null
  private poked = false
  private failing = false
  private stopped = false

  constructor(private readonly options: SweepLoopOptions) {}

  /** No other look is begun. */
  get isStopped(): boolean {
    return this.stopped
  }

  /** There may be something to do. */
  poke(): void {
    this.poked = true
    if (this.stopped) return
    this.looking ??= uncorrelated(() => this.look()).finally(() => {
      this.looking = null
      // A hint may have come after the look began.
      if (this.poked) this.poke()
    })
  }

  /** Looks for the first time after `everyMs`, or at the first hint. */
  wait(): void {
    this.lookAgainIn(this.options.everyMs)
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.looking
  }

  private async look(): Promise<void> {
    this.poked = false
    let pauseMs = this.options.everyMs
    try {
      pauseMs = await this.options.look()
      this.failing = false
    } catch (error) {
      if (!this.failing) this.options.onTrouble(error)
      this.failing = true
    }
    this.lookAgainIn(pauseMs)
  }

  private lookAgainIn(ms: number): void {
    clearTimeout(this.timer)
    if (!this.stopped) this.timer = setTimeout(() => this.poke(), ms)
  }
}
