import type { RecentError } from '@gantry/schemas'

import type { Clock } from '../kernel/clock.js'
import type { Logger } from '../kernel/logger.port.js'
import { redactText } from './redact.js'

/** So many are remembered. */
const KEPT = 20
const MAX_MESSAGE = 300

/** The last errors that nobody expected, without secrets and stacks, for who looks at the server's health. */
export class RecentErrors {
  private readonly errors: RecentError[] = []

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  note({ code, message, requestId }: Omit<RecentError, 'at'>): void {
    const clean = redactText(message).slice(0, MAX_MESSAGE)
    this.errors.unshift({ at: new Date(this.clock.now()).toISOString(), code, message: clean, requestId })
    if (this.errors.length > KEPT) this.errors.pop()
  }

  /** The newest first. */
  list(): RecentError[] {
    return [...this.errors]
  }
}

/** Writes to another logger, and notes the lines that are errors. */
class NotingLogger implements Logger {
  constructor(
    private readonly target: Logger,
    private readonly errors: RecentErrors,
    /** Of the lines of one request. */
    private readonly requestId: string | null = null,
  ) {}

  debug(fields: object, message: string): void {
    this.target.debug(fields, message)
  }

  info(fields: object, message: string): void {
    this.target.info(fields, message)
  }

  warn(fields: object, message: string): void {
    this.target.warn(fields, message)
  }

  error(fields: object, message: string): void {
    this.target.error(fields, message)
    const { code, err, requestId } = fields as { code?: unknown; err?: unknown; requestId?: unknown }
    this.errors.note({
      code: textOr(code, 'INTERNAL'),
      message: err instanceof Error ? `${message}: ${err.message}` : message,
      requestId: textOr(requestId, this.requestId),
    })
  }

  child(fields: Record<string, unknown>): Logger {
    return new NotingLogger(this.target.child(fields), this.errors, textOr(fields['requestId'], this.requestId))
  }
}

const textOr = <O>(value: unknown, otherwise: O): string | O => (typeof value === 'string' ? value : otherwise)

/** The same logger, whose errors are remembered whatever its level is. */
export const notingErrors = (log: Logger, errors: RecentErrors): Logger => new NotingLogger(log, errors)
