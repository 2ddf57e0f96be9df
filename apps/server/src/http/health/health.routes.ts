import type { ApiHealth, DetailedHealth } from '@gantry/schemas'

import type { SurroundingHealth } from '../../modules/system/surroundings.js'
import { assertSystemAccess, type SystemAccess } from '../system-access.js'
import type { Exchange } from '../exchange.js'
import { sendJson } from '../respond.js'
import type { Route } from '../route.js'
import type { EventLoopLag } from './event-loop-lag.js'
import type { HealthChecks } from './health-checks.js'
import { PROBE_AGAIN_SECONDS, Probes, type Probed } from './probes.js'

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

/** Tells with a refusal when to come again. */
const answer = <T>(exchange: Exchange, { status, body }: Probed<T>, hinted = true): void => {
  if (status === 503 && hinted) exchange.res.setHeader('Retry-After', String(PROBE_AGAIN_SECONDS))
  sendJson(exchange, status, body)
}

/**
 * `/healthz`: does the process live. `/ready`: may it get requests. `/health`: the same for people, and
 * `/health/detailed` with everything around it. `/api/health`: for clients of old.
 */
export const healthRoutes = ({ health, isDraining, lag, ...access }: HealthOptions): Route[] => {
  const { checks, surroundings, installation } = health
  const { version, commit, env } = installation
  const probes = new Probes({ checks, version, isDraining, lag })
  const probe = (pattern: string, handle: Route['handle']): Route => ({
    method: 'GET',
    pattern,
    access: 'open',
    handle,
  })

  return [
    probe('/healthz', (exchange) => answer(exchange, probes.liveness(), false)),
    probe('/ready', async (exchange) => answer(exchange, await probes.readiness())),
    probe('/health', async (exchange) => answer(exchange, await probes.health())),
    probe('/health/detailed', async (exchange) => {
      await assertSystemAccess(exchange, access)
      const [{ body: seen }, around] = await Promise.all([probes.health(), surroundings()])
      const body: DetailedHealth = { ...seen, env, commit, ...around, memory: process.memoryUsage() }
      answer(exchange, { status: 200, body })
    }),
    probe('/api/health', async (exchange) => {
      const { status, body: seen } = await probes.health()
      const memory = process.memoryUsage()
      const word = seen.status === 'down' ? 'down' : 'ok'
      const body: ApiHealth = { status: word, env, uptime: seen.uptime, memory, commit, version }
      answer(exchange, { status, body })
    }),
  ]
}
