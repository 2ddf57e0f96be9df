import type { ApiHealth, DetailedHealth, Health, Liveness, Readiness } from '@gantry/schemas'

import { ERROR_TABLE } from '../../kernel/errors.js'
import type { SurroundingHealth } from '../../modules/system/surroundings.js'
import { assertSystemAccess, type SystemAccess } from '../system-access.js'
import type { Exchange } from '../exchange.js'
import { sendJson } from '../respond.js'
import type { Route } from '../route.js'
import type { EventLoopLag } from './event-loop-lag.js'
import type { HealthChecks } from './health-checks.js'

/** Which build runs, and where. */
export interface Installation {
  version: string
  /** Null where it is not known. */
  commit: string | null
  env: string
}

export interface HealthSource {
  checks: Pick<HealthChecks, 'results'>
  /** Never rejects: a part that cannot be looked at says so itself. */
  surroundings: () => Promise<SurroundingHealth>
  installation: Installation
}

export interface HealthOptions extends SystemAccess {
  health: HealthSource
  isDraining: () => boolean
  lag: Pick<EventLoopLag, 'seconds'>
}

const MAX_LAG_SECONDS = 5

const statusOf = ({ status }: { status: Health['status'] }) => (status === 'down' ? 503 : 200)

/** Tells with a refusal when to come again. */
const hinted = ({ res }: Exchange, status: number): number => {
  if (status === 503) res.setHeader('Retry-After', String(ERROR_TABLE.UNAVAILABLE.retryAfterSeconds))
  return status
}

/**
 * `/healthz`: does the process live. `/ready`: may it get requests. `/health`: the same for people, and
 * `/health/detailed` with everything around it. `/api/health`: for clients of old.
 */
export const healthRoutes = ({ health, isDraining, lag, ...access }: HealthOptions): Route[] => {
  const { checks, surroundings, installation } = health
  const { version, commit, env } = installation
  const summary = async (): Promise<Health> => {
    const { status, checks: states } = await checks.results()
    const now = { uptime: process.uptime(), draining: isDraining(), eventLoopLagSeconds: lag.seconds }
    return { status, version, ...now, checks: states }
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
      const answer: Liveness = { status: lives ? 'ok' : 'unavailable', eventLoopLagSeconds }
      sendJson(exchange, lives ? 200 : 503, answer)
    }),
    probe('/ready', async (exchange) => {
      const { status, checks: states } = await checks.results()
      const draining = isDraining()
      const isReady = status !== 'down' && !draining
      const answer: Readiness = { status: isReady ? status : 'unavailable', draining, checks: states }
      sendJson(exchange, hinted(exchange, isReady ? 200 : 503), answer)
    }),
    probe('/health', async (exchange) => {
      const answer = await summary()
      sendJson(exchange, hinted(exchange, statusOf(answer)), answer)
    }),
    probe('/health/detailed', async (exchange) => {
      await assertSystemAccess(exchange, access)
      const [seen, around] = await Promise.all([summary(), surroundings()])
      const answer: DetailedHealth = { ...seen, env, commit, ...around, memory: process.memoryUsage() }
      sendJson(exchange, 200, answer)
    }),
    probe('/api/health', async (exchange) => {
      const { status, uptime } = await summary()
      const memory = process.memoryUsage()
      const answer: ApiHealth = { status: status === 'down' ? 'down' : 'ok', env, uptime, memory, commit, version }
      sendJson(exchange, hinted(exchange, statusOf({ status })), answer)
    }),
  ]
}
