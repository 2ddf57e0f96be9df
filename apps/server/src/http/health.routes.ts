import { monitorEventLoopDelay } from 'node:perf_hooks'

import type { Logger } from '../kernel/logger.port.js'
import { sendJson } from './respond.js'
import type { Route } from './route.js'

/** One thing that must work before requests are sent here. */
export interface HealthCheck {
  name: string
  /** Whether the server is of no use without it; else it is merely degraded. */
  required: boolean
  /** Rejects when it does not work. */
  check: (signal: AbortSignal) => Promise<void>
}

const CHECK_TIMEOUT_MS = 2_000
const MAX_LAG_SECONDS = 5
const LAG_WINDOW_MS = 10_000

type CheckState = 'ok' | 'failed'

const runCheck = async ({ name, check }: HealthCheck, log: Logger): Promise<[string, CheckState]> => {
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS)
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), { once: true })
  })
  try {
    await Promise.race([check(signal), late])
    return [name, 'ok']
  } catch (error) {
    log.warn({ check: name, err: error }, 'health check failed')
    return [name, 'failed']
  }
}

/** How late the event loop was at most within the last seconds. */
export class EventLoopLag {
  private readonly histogram = monitorEventLoopDelay({ resolution: 20 })
  private readonly timer: NodeJS.Timeout

  constructor() {
    this.histogram.enable()
    this.timer = setInterval(() => this.histogram.reset(), LAG_WINDOW_MS).unref()
  }

  get seconds(): number {
    return this.histogram.max / 1e9
  }

  stop(): void {
    clearInterval(this.timer)
    this.histogram.disable()
  }
}

export interface HealthOptions {
  checks: readonly HealthCheck[]
  isDraining: () => boolean
  lag: Pick<EventLoopLag, 'seconds'>
  log: Logger
}

/** `/healthz`: does the process live. `/ready`: may it get requests. `/health`: the same, with numbers for people. */
export const healthRoutes = ({ checks, isDraining, lag, log }: HealthOptions): Route[] => {
  const stateOf = async () => {
    const results = Object.fromEntries(await Promise.all(checks.map((check) => runCheck(check, log))))
    const failed = checks.filter(({ name }) => results[name] === 'failed')
    const isUseless = isDraining() || failed.some(({ required }) => required)
    const status = isUseless ? 'unavailable' : failed.length > 0 ? 'degraded' : 'ok'
    return { status, draining: isDraining(), checks: results } as const
  }
  const probe = (pattern: string, handle: Route['handle']): Route => ({
    method: 'GET',
    pattern,
    access: 'open',
    handle,
  })

  return [
    probe('/healthz', (exchange) => {
      const eventLoopLagSeconds = lag.seconds
      const lives = eventLoopLagSeconds < MAX_LAG_SECONDS
      sendJson(exchange, lives ? 200 : 503, { status: lives ? 'ok' : 'unavailable', eventLoopLagSeconds })
    }),
    probe('/ready', async (exchange) => {
      const state = await stateOf()
      sendJson(exchange, state.status === 'unavailable' ? 503 : 200, state)
    }),
    probe('/health', async (exchange) => {
      const state = await stateOf()
      const answer = { ...state, eventLoopLagSeconds: lag.seconds }
      sendJson(exchange, state.status === 'unavailable' ? 503 : 200, answer)
    }),
  ]
}
