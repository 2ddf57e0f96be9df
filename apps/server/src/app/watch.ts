import type { Config } from '../config/config.js'
import { EventLoopLag } from '../http/health/event-loop-lag.js'
import type { HealthSource } from '../http/health/health.routes.js'
import { Probes } from '../http/health/probes.js'
import { listenForMetrics } from '../http/metrics-listener.js'
import type { Lifecycle, Logger, Timers } from '../kernel/index.js'
import type { Metrics } from '../observability/metrics.js'
import { countAttemptsIn } from './attempt-metrics.js'
import { showDatabasesIn } from './database-metrics.js'
import { showFarmIn } from './farm-metrics.js'
import { GANTRY_VERSION } from './installation.js'
import type { Persistence } from './persistence.js'

export interface WatchOptions {
  config: Pick<Config, 'metrics' | 'roles'>
  persistence: Persistence
  metrics: Metrics
  clock: Timers
  log: Logger
  lifecycle: Lifecycle
}

/** The numbers that belong to no single service. They are shown for as long as the process works, its stopping included. */
export const startWatch = (options: WatchOptions): void => {
  const { config, persistence, metrics, clock, log, lifecycle } = options
  if (!metrics.enabled) return
  const { census } = persistence.reads
  const shared = { metrics, census, clock, log }
  showBuildIn(metrics, config.roles)
  const counts = [
    showDatabasesIn({ metrics, persistence, clock }),
    countAttemptsIn({ ...shared, bus: persistence.bus }),
  ]
  if (config.roles.some((role) => role !== 'fleet')) counts.push(showFarmIn(shared))
  lifecycle.onStop('metrics', () => {
    for (const { stop } of counts) stop()
    return Promise.resolve()
  })
}

export interface WatchPortDeps {
  config: Pick<Config, 'metrics'>
  metrics: Metrics
  health: HealthSource
  log: Logger
  lifecycle: Lifecycle
}

/**
 * The port of their own for numbers and probes, which processes of every role have.
 * @returns where it is; null: there is none
 * @throws the system's error when it cannot be listened on
 */
export const openWatchPort = async ({ config, metrics, health, log, lifecycle }: WatchPortDeps) => {
  const { listener } = config.metrics
  if (listener === null || !metrics.enabled) return null
  const lag = new EventLoopLag()
  const probes = new Probes({
    ...{ checks: health.checks, version: health.installation.version, lag },
    isDraining: () => lifecycle.isStopping,
  })
  const { url, stop } = await listenForMetrics({ ...listener, metrics, probes, log })
  lifecycle.onStop('metrics listener', async () => {
    lag.stop()
    await stop()
  })
  return url
}

const showBuildIn = (metrics: Metrics, roles: readonly string[]): void =>
  metrics.readings({
    type: 'gauge',
    name: 'gantry_build_info',
    help: '1, with the version and the roles of this process.',
    labelNames: ['version', 'roles'],
    read: () => [{ labels: { version: GANTRY_VERSION, roles: roles.join(',') }, value: 1 }],
  })
