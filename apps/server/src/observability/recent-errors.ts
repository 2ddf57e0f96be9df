import type { RecentError } from '@gantry/schemas'

import type { Clock } from '../kernel/clock.js'
import { correlation } from '../kernel/correlation.js'
import type { ErrorReport } from '../kernel/error-reporter.port.js'
import { GantryError } from '../kernel/errors.js'
import { redactText } from './redact.js'

/** So many are remembered. */
const KEPT = 20
const MAX_MESSAGE = 300

/** The last lines of the log that were errors, without secrets and stacks, for who looks at the server's health. */
export class RecentErrors {
  private readonly errors: RecentError[] = []

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  note({ error, message, fields }: ErrorReport): void {
    const told = error instanceof Error ? `${message}: ${error.message}` : message
    const requestId = fields['requestId'] ?? correlation()?.fields['requestId']
    const code = error instanceof GantryError ? error.code : 'INTERNAL'
    const text = redactText(told).slice(0, MAX_MESSAGE)
    // What fails again and again must not push out what failed before it.
    const same = this.errors.findIndex((known) => known.code === code && known.message === text)
    const [before] = same === -1 ? [] : this.errors.splice(same, 1)
    this.errors.unshift({
      ...{ at: new Date(this.clock.now()).toISOString(), code, message: text, times: (before?.times ?? 0) + 1 },
      requestId: typeof requestId === 'string' ? requestId : null,
    })
    if (this.errors.length > KEPT) this.errors.pop()
  }

  /** The newest first. */
  list(): RecentError[] {
    return [...this.errors]
  }
}
