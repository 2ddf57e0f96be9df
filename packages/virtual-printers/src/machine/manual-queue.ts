import { MachineError } from './machine.types.js'

const MAX_WAITING = 10_000

interface Waiting {
  readonly line: string
  /** Set on the last line of a script. */
  readonly settle: { resolve: () => void; reject: (error: Error) => void } | null
}

/** Commands from outside, executed in order between the lines of a print. */
export class ManualQueue {
  #waiting: Waiting[] = []
  #inFlight: Waiting | null = null

  /** True when nothing waits and nothing is being executed. */
  get idle(): boolean {
    return this.#waiting.length === 0 && this.#inFlight === null
  }

  /** @throws MachineError `queueFull` */
  add(lines: readonly string[]): Promise<void> {
    if (this.#waiting.length + lines.length > MAX_WAITING) {
      throw new MachineError('queueFull', `more than ${MAX_WAITING} lines of g-code wait`)
    }
    return new Promise((resolve, reject) => {
      lines.forEach((line, index) => {
        this.#waiting.push({ line, settle: index === lines.length - 1 ? { resolve, reject } : null })
      })
    })
  }

  /** Takes the next line into execution. */
  take(): string | null {
    this.#inFlight = this.#waiting.shift() ?? null
    return this.#inFlight?.line ?? null
  }

  /** The line in execution has ended. */
  settle(): void {
    this.#inFlight?.settle?.resolve()
    this.#inFlight = null
  }

  /** The machine stopped: what waits is refused. */
  abort(reason: string): void {
    const refused = [...(this.#inFlight ? [this.#inFlight] : []), ...this.#waiting]
    this.#inFlight = null
    this.#waiting = []
    for (const { settle } of refused) settle?.reject(new MachineError('shutdown', reason))
  }
}
