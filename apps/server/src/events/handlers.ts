import type { Logger } from '../kernel/logger.port.js'
import type { Unsubscribe } from '../kernel/events.js'

/** A set of callbacks, none of which can stop the others: what they throw or reject with is logged. */
export class Handlers<A extends unknown[]> {
  private readonly handlers = new Set<(...args: A) => unknown>()

  constructor(
    private readonly log: Logger,
    private readonly what: string,
  ) {}

  add(handler: (...args: A) => unknown): Unsubscribe {
    // Wrapped, so that a function that is added twice is called twice and removed one by one.
    const entry = (...args: A) => handler(...args)
    this.handlers.add(entry)
    return () => {
      this.handlers.delete(entry)
    }
  }

  call(...args: A): void {
    for (const handler of [...this.handlers]) {
      try {
        const result = handler(...args)
        if (result instanceof Promise) result.catch((err: unknown) => this.report(err))
      } catch (err) {
        this.report(err)
      }
    }
  }

  private report(err: unknown): void {
    this.log.error({ err, handler: this.what }, 'a handler on the bus failed')
  }
}
