import type { Config } from '../config/config.js'
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

/**
 * The numbers that belong to no single service, and the port of their own. They are shown for as long as the process
 * works, its stopping included.
 * @returns where the port is; null: there is none
 * @throws the system's error when it cannot be listened on
 */
export const startWatch = async (options: WatchOptions): Promise<string | null> => {
  const { config, persistence, metrics, clock, log, lifecycle } = options
  if (!metrics.enabled) return null
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
  if (config.metrics.listener === null) return null
  const { url, stop } = await listenForMetrics({ ...config.metrics.listener, metrics, log })
  lifecycle.onStop('metrics listener', stop)
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
