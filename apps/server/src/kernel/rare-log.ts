import type { Clock } from './clock.js'
import type { Logger } from './logger.port.js'

const EVERY_MS = 10_000

/** Warnings that a fault would repeat with every call: each sentence at most once in ten seconds, with how often it was due. */
export class RareLog {
  private readonly held = new Map<string, { untilMs: number; times: number }>()

  constructor(
    private readonly log: Logger,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /** @param message one of few constant sentences */
  warn(fields: object, message: string): void {
    const nowMs = this.clock.now()
    const held = this.held.get(message)
    if (held !== undefined && nowMs < held.untilMs) {
      held.times += 1
      return
    }
    this.held.set(message, { untilMs: nowMs + EVERY_MS, times: 0 })
    this.log.warn(held === undefined || held.times === 0 ? fields : { ...fields, unlogged: held.times }, message)
  }
}
