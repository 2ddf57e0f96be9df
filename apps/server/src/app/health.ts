import type { Config } from '../config/config.js'
import { HealthChecks, NotSeen, type HealthCheck } from '../http/health/health-checks.js'
import type { HealthSource } from '../http/health/health.routes.js'
import type { Cache, Lifecycle, Logger, Timers } from '../kernel/index.js'
import type { FileStorage } from '../modules/files/file-storage.port.js'
import type { JobStatistics } from '../modules/jobs/job-statistics.js'
import { printersPresent } from '../modules/printers/presence.js'
import type { StatusBoard } from '../modules/printers/status-board.js'
import { Surroundings } from '../modules/system/surroundings.js'
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
  instanceId: string
  clock: Timers
  log: Logger
  lifecycle: Lifecycle
}

const databaseChecks = ({ lookout }: Persistence): HealthCheck[] => [
  { name: 'database', required: true, check: () => lookout.reach() },
  {
    ...{ name: 'migrations', required: true },
    check: async () => {
      const missing = await lookout.missingMigrations().catch((cause: unknown) => {
        throw new NotSeen('the database did not say which migrations it has', { cause })
      })
      if (missing.length > 0) throw new Error(`the database lacks ${missing.join(', ')}`)
    },
  },
]

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

/** Looks at everything that this instance needs, for its probes and its log. */
export const openHealth = (deps: HealthDeps): HealthSource => {
  const { config, persistence, cache, board, jobStatistics, storage, recentErrors, instanceId } = deps
  const { clock, log, lifecycle } = deps
  const redis = config.cache.redis === null ? [] : [redisCheck(cache)]
  const checks = new HealthChecks({
    ...{ checks: [...databaseChecks(persistence), ...redis], clock, log },
  })
  checks.start()
  const { reads, databaseHealth } = persistence
  const printers = () => printersPresent({ reads, board })
  lifecycle.onStop('health checks', () => checks.stop())
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
