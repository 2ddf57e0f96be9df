const MAX_WAITING = 1_000

/** Waits in wall time that end when the host does. */
export class Delays {
  readonly #waiting = new Map<NodeJS.Timeout, (elapsed: boolean) => void>()

  /** True after `ms`; false when it was given up before: what waited must not happen any more. */
  wait(ms: number): Promise<boolean> {
    if (this.#waiting.size >= MAX_WAITING) return Promise.resolve(false)
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(timer)
        resolve(true)
      }, ms)
      this.#waiting.set(timer, resolve)
    })
  }

  giveUp(): void {
    for (const [timer, resolve] of this.#waiting) {
      clearTimeout(timer)
      resolve(false)
    }
    this.#waiting.clear()
  }
}
