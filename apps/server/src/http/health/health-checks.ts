import type { CheckState } from '@gantry/schemas'

import { every, inTime, type CallOff, type Timers } from '../../kernel/clock.js'
import type { Stoppable } from '../../kernel/lifecycle.js'
import type { Logger } from '../../kernel/logger.port.js'

/** What is to be looked at is out of sight; whatever is in the way has a check of its own. */
export class NotSeen extends Error {}

/** One thing that must work before requests are sent here. */
export interface HealthCheck {
  name: string
  /** Whether the server is of no use without it; else it is merely degraded. */
  required: boolean
  /** Rejects when it does not work, with {@link NotSeen} when that could not be found out. */
  check: () => Promise<void>
}

export interface CheckResults {
  status: 'ok' | 'degraded' | 'down'
  checks: Record<string, CheckState>
}

export interface HealthChecksOptions {
  checks: readonly HealthCheck[]
  clock: Timers
  log: Logger
}

/** A check that takes longer has failed. A process that has too much to do is late itself, and better kept in service. */
const CHECK_TIMEOUT_MS = 5_000
/** Whoever asks waits so long for a new look, and then is told what was found last. */
const PATIENCE_MS = 250
/** Many who ask within this time cost what one costs. */
const KEPT_MS = 1_000
/** How often somebody looks although nobody asks, so that the log and the metrics tell too. */
const LOOK_EVERY_MS = 3_000

/** Looks at what the server needs: whenever somebody asks, and now and then by itself. What changes is logged, once. */
export class HealthChecks implements Stoppable {
  private readonly last = new Map<string, CheckState>()
  private kept: { results: Promise<CheckResults>; untilMs: number } | null = null
  private found: CheckResults | null = null
  private callOff: CallOff = () => undefined

  constructor(private readonly options: HealthChecksOptions) {}

  /** Begins to look by itself. */
  start(): void {
    void this.looked()
    this.callOff = every(this.options.clock, LOOK_EVERY_MS, () => void this.looked())
  }

  stop(): Promise<void> {
    this.callOff()
    return Promise.resolve()
  }

  /** At most a second old, or what was found last while a look takes its time. Never rejects. */
  results(): Promise<CheckResults> {
    const results = this.looked()
    const { found } = this
    return found === null ? results : inTime(PATIENCE_MS, results).catch(() => found)
  }

  private looked(): Promise<CheckResults> {
    const { clock } = this.options
    if (this.kept !== null && clock.monotonicMs() < this.kept.untilMs) return this.kept.results
    const kept = { results: this.look(), untilMs: Infinity }
    this.kept = kept
    void kept.results.then((found) => {
      this.found = found
      kept.untilMs = clock.monotonicMs() + KEPT_MS
    })
    return kept.results
  }

  private async look(): Promise<CheckResults> {
    const { checks } = this.options
    const states = await Promise.all(checks.map((check) => this.try(check)))
    const failed = checks.filter((_, index) => states[index] !== 'ok')
    const status = failed.some(({ required }) => required) ? 'down' : failed.length > 0 ? 'degraded' : 'ok'
    return { status, checks: Object.fromEntries(checks.map(({ name }, index) => [name, states[index] ?? 'failed'])) }
  }

  private async try({ name, check }: HealthCheck): Promise<CheckState> {
    try {
      await inTime(CHECK_TIMEOUT_MS, check())
      this.note(name, 'ok')
      return 'ok'
    } catch (error) {
      if (error instanceof NotSeen) return 'unknown'
      this.note(name, 'failed', error)
      return 'failed'
    }
  }

  private note(name: string, state: CheckState, err?: unknown): void {
    const before = this.last.get(name) ?? 'ok'
    this.last.set(name, state)
    if (state === before) return
    if (state === 'failed') this.options.log.warn({ check: name, err }, 'health check failed')
    else this.options.log.info({ check: name }, 'health check passes again')
  }
}
