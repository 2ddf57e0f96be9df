import { openRefusalLog } from './app/audit.js'
import { openCache } from './app/cache.js'
import { databaseObserver } from './app/database-metrics.js'
import { openDrivers } from './app/drivers.js'
import { openErrorReports } from './app/error-reports.js'
import { openLogLevel } from './app/log-level.js'
import { FLEET_ROLE_TIMINGS, startFleetRole, type FleetRole, type FleetRoleTimings } from './app/fleet-role.js'
import { openHealth } from './app/health.js'
import { openHttpLimits, type HttpLimits } from './app/http-limits.js'
import { createHttpRole, startApiUse } from './app/http-role.js'
import { openPersistence } from './app/persistence.js'
import { composeServices } from './app/services.js'
import { openWarmUp, startHotQueries } from './app/warm-up.js'
import { openWatchPort, startWatch } from './app/watch.js'
import { startWorkerRole, type WorkerRole } from './app/worker-role.js'
import type { Config } from './config/config.js'
import type { HttpServer } from './http/http-server.js'
import { Lifecycle, newId, systemClock, type Logger, type Timers } from './kernel/index.js'
import { AlarmSweep } from './modules/alarms/alarm-sweep.js'
import type { AlarmThresholds } from './modules/alarms/alarms.ports.js'
import { ensureFirstAdmin, type FirstAdmin } from './modules/auth/first-admin.js'
import { ScanThread } from './modules/files/gcode/scan-thread.js'
import { openTracing } from './app/tracing.js'
import { createLogger, type LoggerOptions } from './observability/logger.js'
import { LogLevels } from './observability/log-levels.js'
import { createMetrics, type Metrics } from './observability/metrics.js'
import { RecentErrors } from './observability/recent-errors.js'
import { jobCatalogue } from './queues/job-catalogue.js'
import { PRISMA_FOLDER } from './app/installation.js'

/** What tests replace. */
export interface AppOverrides {
  /** Where the log's lines go. */
  logTo?: LoggerOptions['destination']
  clock?: Timers
  timings?: FleetRoleTimings
  /** @default as the configuration says */
  metrics?: Metrics
}

export interface StartedApp {
  /** Null without the role `api`. */
  url: string | null
  /** Of the port for metrics alone; null: there is none. */
  metricsUrl: string | null
  /** The account that was made on the first start; null on every other. */
  firstAdmin: FirstAdmin | null
}

export interface App {
  /** What it says of itself; errors that nobody expected are reported from here. */
  log: Logger
  /**
   * Starts every role of the configuration; concurrent calls share one start.
   * @throws MigrationError, EmbeddedPostgresError, GantryError `UNAVAILABLE`; what was started before is stopped again
   */
  start(): Promise<StartedApp>
  /** Stops in the opposite order, each stage with a cap; printers go on printing. Idempotent. */
  stop(): Promise<void>
}

const CLAIMING_CAP_MS = 2_000
const HTTP_AND_JOBS_CAP_MS = 12_500

/** The server: everything is made, joined and started here, and nowhere else. */
export const createApp = (config: Config, overrides: AppOverrides = {}): App => {
  const { clock = systemClock, logTo } = overrides
  const levels = new LogLevels(config.log.level, clock)
  const ownLog = createLogger({ levels, ...(logTo !== undefined && { destination: logTo }) })
  const recentErrors = new RecentErrors(clock)
  const { log, reporter } = openErrorReports({ config, recentErrors, clock, log: ownLog })
  const lifecycle = new Lifecycle(log)
  // The first to start and the last to stop: whatever fails in between is told of.
  if (reporter !== null) lifecycle.onStop('error reports', () => reporter.stop())
  let started: Promise<StartedApp> | null = null
  const stop = () => lifecycle.stop()
  const start = async (): Promise<StartedApp> => {
    try {
      return await startRoles(config, overrides, { log, levels, recentErrors, lifecycle })
    } catch (error) {
      await stop()
      throw error
    }
  }
  return { log, start: () => (started ??= start()), stop }
}

interface Watching {
  log: Logger
  levels: LogLevels
  recentErrors: RecentErrors
  lifecycle: Lifecycle
}

const startRoles = async (
  config: Config,
  overrides: AppOverrides,
  { log, levels, recentErrors, lifecycle }: Watching,
): Promise<StartedApp> => {
  const { clock = systemClock, timings = FLEET_ROLE_TIMINGS } = overrides
  const { metrics = createMetrics({ enabled: config.metrics.enabled }) } = overrides
  const instanceId = newId('instance')
  const does = (role: Config['roles'][number]) => config.roles.includes(role)

  const tracer = openTracing({ config: config.tracing, instanceId, clock, log, lifecycle })
  const persistence = await openPersistence({
    ...{ config, prismaFolder: PRISMA_FOLDER, instanceId, log, lifecycle },
    observer: databaseObserver(metrics),
  })
  const { unitOfWork, reads, bus } = persistence
  startWatch({ config, persistence, metrics, clock, log, lifecycle })
  const cache = openCache({ config, persistence, metrics, instanceId, clock, log, lifecycle })
  const logLevel = openLogLevel({ persistence, levels, log, lifecycle })
  const drivers = openDrivers(config.printers, lifecycle)
  const scans = openScanThread(lifecycle)
  const hotQueries = startHotQueries({ unitOfWork, clock, log }, lifecycle)
  const refusals = openRefusalLog({ persistence, clock, log, lifecycle })
  const shared = { config, persistence, cache, hotQueries, instanceId, clock, log, lifecycle }
  const composed = await composeServices({ ...shared, drivers, scans, logLevel, refusals, metrics })
  const { services, board, authenticator, sealer } = composed
  const health = openHealth({ ...shared, ...composed, recentErrors })
  const metricsUrl = await openWatchPort({ config, metrics, health, log, lifecycle })
  const firstAdmin = await ensureFirstAdmin({ unitOfWork, users: reads.users, ...config.auth.firstAdmin })

  board.start()
  lifecycle.onStop('status board', () => board.stop())
  const alarmSweep = new AlarmSweep({ unitOfWork, thresholds: alarmThresholds(config), clock, log })
  lifecycle.onStop('alarm sweep', () => alarmSweep.stop())
  alarmSweep.start()
  const apiUse = startApiUse({ unitOfWork, instanceId, clock, log }, lifecycle)
  // Ends after HTTP does, so that streams which end then are told of.
  const limits = does('api') ? openHttpLimits({ config, authenticator, clock, log, lifecycle }) : null
  const running: RunningRoles = {}
  stopInOrder(running, lifecycle, config.shutdown.drainMs)
  const warmUp = openWarmUp({ ...shared, services })
  const forWork = { config, persistence, warmUp, work: does('worker'), metrics, tracer, clock, log }
  running.worker = await startWorkerRole({ ...composed, ...forWork })
  if (does('fleet')) {
    const openFile = (sha256: string, sizeBytes: number) => services.files.uploadSource(sha256, sizeBytes)
    running.fleet = await startFleetRole({
      ...{ unitOfWork, reads, bus, drivers, sealer, openFile, metrics, instanceId, clock, log, tracer, timings },
      leases: persistence.leases,
      random: Math.random,
      heaterOnMs: config.alarms.heaterOnMinutes * 60_000,
    })
  }
  const url = limits === null ? null : await listen(limits)
  if (url !== null) warmUp.orders.start()
  log.info({ url, metricsUrl, instanceId, roles: config.roles }, 'Gantry is ready')
  return { url, metricsUrl, firstAdmin }

  async function listen(limits: HttpLimits): Promise<string> {
    running.http = createHttpRole({
      ...{ config, services, authenticator, cache, metrics, apiUse, refusals, tracer, health, limits, log },
    })
    return (await running.http.listen()).url
  }
}

const openScanThread = (lifecycle: Lifecycle): ScanThread => {
  const scans = new ScanThread()
  lifecycle.onStop('scan thread', () => scans.close())
  return scans
}

const alarmThresholds = ({ alarms }: Config): AlarmThresholds => ({
  ...alarms,
  jobTimeoutsMs: Object.fromEntries(jobCatalogue().definitions.map(({ type, timeoutMs }) => [type, timeoutMs])),
})

interface RunningRoles {
  worker?: WorkerRole
  fleet?: FleetRole
  http?: HttpServer
}

/** Stages stop in the opposite order of their lines here: first the drain, last the printers' connections and leases. */
const stopInOrder = (running: RunningRoles, lifecycle: Lifecycle, drainMs: number): void => {
  lifecycle.onStop('fleet', async () => running.fleet?.stop())
  const answerTheRest = async () => {
    await Promise.all([running.http?.stop(), running.worker?.stop()])
  }
  lifecycle.onStop('http and jobs', answerTheRest, HTTP_AND_JOBS_CAP_MS)
  lifecycle.onStop('claiming', async () => running.fleet?.stopClaiming(), CLAIMING_CAP_MS)
  lifecycle.onStop('drain', () => drain(running.http, drainMs), drainMs + 1_000)
}

/** Without HTTP there is nobody to tell. */
const drain = async (http: HttpServer | undefined, ms: number): Promise<void> => {
  if (http === undefined) return
  http.drain()
  await new Promise((resolve) => setTimeout(resolve, ms))
}
