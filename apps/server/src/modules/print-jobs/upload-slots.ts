import type { CallOff, Timers } from '../../kernel/index.js'

export interface UploadLimits {
  /** How many uploads go on at once. */
  atOnce: number
  /** How long an upload counts as one of them; a slower one goes on beside the next. */
  countedForMs: number
}

/**
 * Twenty hosts at the 5 to 10 MB/s at which a Raspberry Pi writes to its card fill a network of 1 Gbit/s; more at once
 * would only make each of them later. Whoever is slower than that after 20 s is no load worth waiting for.
 */
export const UPLOAD_LIMITS: UploadLimits = { atOnce: 20, countedForMs: 20_000 }

/** Lets a bounded number of uploads go on at once, first come, first served; slow hosts hold nobody up for ever. */
export class UploadSlots {
  private taken = 0
  /** Each is handed a place by whoever leaves. */
  private readonly waiting = new Set<() => void>()

  constructor(
    private readonly clock: Timers,
    private readonly limits: UploadLimits,
  ) {}

  /** Waits for a place. @returns what gives it back, and may be called again; null when the signal aborted first */
  async enter(signal: AbortSignal): Promise<CallOff | null> {
    if (signal.aborted) return null
    if (this.taken < this.limits.atOnce) this.taken += 1
    else if (!(await this.handedOver(signal))) return null
    let holds = true
    const leave = () => {
      if (!holds) return
      holds = false
      callOff()
      this.passOn()
    }
    const callOff = this.clock.after(this.limits.countedForMs, leave)
    return leave
  }

  private handedOver(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const take = () => end(true)
      const giveUp = () => end(false)
      const end = (got: boolean) => {
        this.waiting.delete(take)
        signal.removeEventListener('abort', giveUp)
        resolve(got)
      }
      this.waiting.add(take)
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  private passOn(): void {
    const [next] = this.waiting
    if (next === undefined) this.taken -= 1
    else next()
  }
}
