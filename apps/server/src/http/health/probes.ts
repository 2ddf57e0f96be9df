import type { Health, Liveness, Readiness } from '@gantry/schemas'

import { ERROR_TABLE } from '../../kernel/errors.js'
import type { EventLoopLag } from './event-loop-lag.js'
import type { HealthChecks } from './health-checks.js'

/** Beyond it a process does nothing else any more. */
const MAX_LAG_SECONDS = 5

export interface ProbesOptions {
  checks: Pick<HealthChecks, 'results'>
  version: string
  isDraining: () => boolean
  lag: Pick<EventLoopLag, 'seconds'>
}

/** What a probe is told, and with which status. */
export interface Probed<T> {
  status: 200 | 503
  body: T
}

/** In seconds, with every 503 of a probe that may pass. */
export const PROBE_AGAIN_SECONDS = ERROR_TABLE.UNAVAILABLE.retryAfterSeconds

/** What probes and people ask of a process, whichever of its ports they come to. */
export class Probes {
  constructor(private readonly options: ProbesOptions) {}

  /** `/healthz`: does the process live. */
  liveness(): Probed<Liveness> {
    const eventLoopLagSeconds = this.options.lag.seconds
    const lives = eventLoopLagSeconds < MAX_LAG_SECONDS
    return { status: lives ? 200 : 503, body: { status: lives ? 'ok' : 'unavailable', eventLoopLagSeconds } }
  }

  /** `/ready`: may it get work. */
  async readiness(): Promise<Probed<Readiness>> {
    const { status, checks } = await this.options.checks.results()
    const draining = this.options.isDraining()
    const isReady = status !== 'down' && !draining
    return { status: isReady ? 200 : 503, body: { status: isReady ? status : 'unavailable', draining, checks } }
  }

  /** `/health`: the same for people. */
  async health(): Promise<Probed<Health>> {
    const { checks: source, version, isDraining, lag } = this.options
    const { status, checks } = await source.results()
    const now = { uptime: process.uptime(), draining: isDraining(), eventLoopLagSeconds: lag.seconds }
    return { status: status === 'down' ? 503 : 200, body: { status, version, ...now, checks } }
  }
}
