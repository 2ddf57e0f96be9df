import type { PrintersHealth } from '@gantry/schemas'

import type { Config } from '../config/config.js'
import { HealthChecks, type HealthCheck } from '../http/health/health-checks.js'
import type { HealthSource } from '../http/health/health.routes.js'
import { every, type CallOff, type Cache, type Lifecycle, type Logger, type Timers } from '../kernel/index.js'
import type { FileStorage } from '../modules/files/file-storage.port.js'
import type { JobStatistics } from '../modules/jobs/job-statistics.js'
import { printersPresent } from '../modules/printers/presence.js'
import type { StatusBoard } from '../modules/printers/status-board.js'
import { Surroundings } from '../modules/system/surroundings.js'
import type { Metrics } from '../observability/metrics.js'
import type { RecentErrors } from '../observability/recent-errors.js'
import { redactText } from '../observability/redact.js'
import { commitOfCheckout, GANTRY_VERSION } from './installation.js'
import type { Persistence } from './persistence.js'

export interface HealthDeps {
  config: Pick<Config, 'cache' | 'installation' | 'roles'>
  persistence: Persistence
  cache: Cache
  board: StatusBoard
  jobStatistics: JobStatistics
  storage: FileStorage
  recentErrors: RecentErrors
  metrics: Metrics
  instanceId: string
  clock: Timers
  log: Logger
  lifecycle: Lifecycle
}

const databaseCheck = ({ database }: Persistence): HealthCheck => ({
  name: 'database',
  required: true,
  check: async () => {
    await database.prisma.$queryRaw`SELECT 1`
  },
})

const migrationsCheck = ({ missingMigrations }: Persistence): HealthCheck => ({
  name: 'migrations',
  required: true,
  check: async () => {
    const missing = await missingMigrations()
    if (missing.length > 0) throw new Error(`the database lacks ${missing.join(', ')}`)
  },
})

/** Without Redis the server is slower, and of use. */
const redisCheck = (cache: Cache): HealthCheck => ({
  name: 'redis',
  required: false,
  check: () => {
    const { redis } = cache.stats()
    if (redis !== null && !redis.connected) return Promise.reject(new Error('Redis is not connected'))
    if (redis !== null && redis.breaker !== 'closed') return Promise.reject(new Error('Redis fails or is slow'))
    return Promise.resolve()
  },
})

const GAUGES = {
  database: ['gantry_database_up', '1 while the database answers this instance.'],
  redis: ['gantry_redis_up', '1 while Redis answers this instance; absent where none is configured.'],
} as const

const showIn = (metrics: Metrics, checks: HealthChecks): void => {
  for (const [check, [name, help]] of Object.entries(GAUGES)) {
    const read = () => {
      const state = checks.stateOf(check)
      return state === null ? [] : [{ labels: {}, value: Number(state === 'ok') }]
    }
    metrics.readings({ type: 'gauge', name, help, labelNames: [], read })
  }
}

/** Counted anew every so often: scrapes read the last count. */
const COUNT_EVERY_MS = 3_000

/** Shows whether printers can be reached, as this instance hears of them. */
const showPrintersIn = (metrics: Metrics, clock: Timers, count: () => Promise<PrintersHealth>): CallOff => {
  let last: PrintersHealth | null = null
  metrics.readings({
    ...{ type: 'gauge', name: 'gantry_printer_connections', labelNames: ['state'] },
    help: 'Enabled printers by whether their host reports: connected, disconnected, or stale where nobody speaks of them.',
    read: () => {
      if (last === null) return []
      const { connected, disconnected, stale } = last
      return Object.entries({ connected, disconnected, stale }).map(([state, value]) => ({ labels: { state }, value }))
    },
  })
  const look = () => void count().then((seen) => (last = seen))
  look()
  return every(clock, COUNT_EVERY_MS, look)
}

/** Looks at everything that this instance needs, for its probes, its metrics and its log. */
export const openHealth = (deps: HealthDeps): HealthSource => {
  const { config, persistence, cache, board, jobStatistics, storage, recentErrors, instanceId } = deps
  const { metrics, clock, log, lifecycle } = deps
  const redis = config.cache.redis === null ? [] : [redisCheck(cache)]
  const checks = new HealthChecks({
    ...{ checks: [databaseCheck(persistence), migrationsCheck(persistence), ...redis], clock, log },
  })
  showIn(metrics, checks)
  checks.start()
  const { reads, databaseHealth } = persistence
  const printers = () => printersPresent({ reads, board })
  const stopCounting = showPrintersIn(metrics, clock, printers)
  lifecycle.onStop('health checks', () => {
    stopCounting()
    return checks.stop()
  })
  const surroundings = new Surroundings({
    ...{ instanceId, roles: config.roles, databaseHealth, cache, clock, mask: redactText },
    queues: () => jobStatistics.read(),
    oldestOrder: () => reads.jobRows.oldestDueSeconds(),
    storage: () => storage.space(),
    printers,
    lastErrors: () => recentErrors.list(),
  })
  const { env, commit } = config.installation
  return {
    checks,
    surroundings: () => surroundings.look(),
    installation: { version: GANTRY_VERSION, env, commit: commit ?? commitOfCheckout() },
  }
}
