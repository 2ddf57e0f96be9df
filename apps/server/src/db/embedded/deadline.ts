import { setTimeout as sleep } from 'node:timers/promises'

/** A point in monotonic time after which an operation gives up. */
export class Deadline {
  private readonly endMilliseconds: number

  constructor(
    readonly seconds: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.endMilliseconds = now() + seconds * 1000
  }

  get expired(): boolean {
    return this.now() >= this.endMilliseconds
  }

  /** Asks until the answer is no longer undefined; undefined when the deadline passes first. */
  async poll<T>(ask: () => Promise<T | undefined>, everyMilliseconds = 25): Promise<T | undefined> {
    for (;;) {
      const answer = await ask()
      if (answer !== undefined) return answer
      if (this.expired) return undefined
      await sleep(everyMilliseconds)
    }
  }
}
