import type { Clock } from '../../kernel/clock.js'

import type { PendingOrder } from './mapper.js'
import type { PrinterView } from './status.js'

/** A pause waits until the command under way ends; heating up takes minutes. Then the host did not obey. */
const EXPIRES_AFTER_MS = 600_000

/** The one order that was sent and is not yet seen to be carried out. */
export class PendingOrderSlot {
  readonly #clock: Clock
  #order: PendingOrder | null = null
  #expiresAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get current(): PendingOrder | null {
    if (this.#clock.now() >= this.#expiresAt) this.#order = null
    return this.#order
  }

  set(order: PendingOrder): void {
    this.#order = order
    this.#expiresAt = this.#clock.now() + EXPIRES_AFTER_MS
  }

  clear(): void {
    this.#order = null
  }

  /** Forgets the order once the printer shows that it was carried out or that its job is over. */
  settle(printer: PrinterView, active: boolean): void {
    const isPaused = printer.printStats.state === 'paused'
    if (!active || (this.#order === 'pause' && isPaused)) this.#order = null
  }
}
