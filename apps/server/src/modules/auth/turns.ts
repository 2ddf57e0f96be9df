import { GantryError } from '../../kernel/index.js'

export interface TurnLimits {
  /** How many tasks go on at once. */
  atOnce: number
  /** How many more may wait for their turn. */
  waiting: number
  /** What whoever finds that many waiting is told. */
  retryAfterSeconds: number
}

/** Lets a bounded number of tasks go on at once, first come, first served; too many who wait are sent away. */
export class Turns {
  private running = 0
  /** Each is handed its turn by whoever is done. */
  private readonly waiting: (() => void)[] = []

  constructor(private readonly limits: TurnLimits) {}

  /** @throws GantryError `UNAVAILABLE` when too many wait already; then the task is not begun */
  async run<T>(task: () => Promise<T>): Promise<T> {
    await this.begin()
    try {
      return await task()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.running -= 1
      else next()
    }
  }

  private async begin(): Promise<void> {
    const { atOnce, waiting, retryAfterSeconds } = this.limits
    if (this.running < atOnce) this.running += 1
    else if (this.waiting.length < waiting) await new Promise<void>((resolve) => this.waiting.push(resolve))
    else throw new GantryError('UNAVAILABLE', { detail: `${waiting} wait already`, retryAfterSeconds })
  }
}
