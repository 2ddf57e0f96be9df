import { LocalExportStorage } from '../adapters/file-storage/local-export-storage.js'
import { LocalFileStorage } from '../adapters/file-storage/local-file-storage.js'
import { KeptReads } from '../cache/kept-reads.js'
import type { Config } from '../config/config.js'
import { followEvents } from '../events/follow-events.js'
import {
  type Authenticator,
  type Cache,
  type FollowEvents,
  type Lifecycle,
  type Logger,
  type Timers,
} from '../kernel/index.js'
import { AlarmsService } from '../modules/alarms/alarms.service.js'
import { AuditService } from '../modules/audit/audit.service.js'
import type { RefusalLog } from '../modules/audit/refusal-log.js'
import type { Seals } from '../modules/audit/seals.js'
import type { HotQueries } from '../modules/cache-warmup/hot-queries.js'
import type { JobStatistics } from '../modules/jobs/job-statistics.js'
import { DispatchService } from '../modules/print-jobs/dispatch.service.js'
import type { ExportStorage } from '../modules/exports/exports.ports.js'
import { ExportsService } from '../modules/exports/exports.service.js'
import { FilesService } from '../modules/files/files.service.js'
import type { FileStorage } from '../modules/files/file-storage.port.js'
import type { ScanThread } from '../modules/files/gcode/scan-thread.js'
import { NotificationsService } from '../modules/notifications/notifications.service.js'
import { AttemptLedger } from '../modules/print-jobs/attempt-ledger.js'
import { AttemptsService } from '../modules/print-jobs/attempts.service.js'
import { PrintJobsService } from '../modules/print-jobs/print-jobs.service.js'
import { CommandDesk } from '../modules/printers/command-desk.js'
import { PrintersService } from '../modules/printers/printers.service.js'
import type { CredentialSealer, DriverRegistry } from '../modules/printers/printers.ports.js'
import { StatusBoard } from '../modules/printers/status-board.js'
import { ProjectsService } from '../modules/projects/projects.service.js'
import { StatisticsService } from '../modules/statistics/statistics.service.js'
import { SystemService, type LogLevelControl } from '../modules/system/system.service.js'
import type { WebhookSender } from '../modules/webhooks/webhooks.ports.js'
import { WebhooksService } from '../modules/webhooks/webhooks.service.js'
import type { Metrics } from '../observability/metrics.js'
import { QueuesOfJobs } from '../queues/job-queues.js'
import type { Services } from '../trpc/services.js'
import { composeAccounts } from './accounts.js'
import { noteLogins } from './audit.js'
import { openCallers } from './callers.js'
import { buildId, GANTRY_VERSION } from './installation.js'
import { composeJobAdministration } from './job-administration.js'
import type { Persistence } from './persistence.js'
import { openSecrets } from './secrets.js'
import { countUseIn } from './use-metrics.js'
import { openWebhookSender } from './webhooks.js'

export interface ServicesDeps {
  config: Config
  persistence: Persistence
  cache: Cache
  hotQueries: HotQueries
  drivers: DriverRegistry
  scans: ScanThread
  logLevel: LogLevelControl
  refusals: RefusalLog
  metrics: Metrics
  instanceId: string
  clock: Timers
  log: Logger
  lifecycle: Lifecycle
}

export interface ComposedServices {
  services: Services
  board: StatusBoard
  authenticator: Authenticator
  sealer: CredentialSealer
  exportStorage: ExportStorage
  webhookSender: WebhookSender
  storage: FileStorage
  queues: QueuesOfJobs
  jobStatistics: JobStatistics
  auditSeals: Seals
}

/** Disk space that is left free however much is uploaded, in bytes. */
const RESERVED_BYTES = 256 * 1024 * 1024

const openStorages = (dataDir: string) => {
  const disk = { dataDir, reserveBytes: RESERVED_BYTES }
  return { storage: new LocalFileStorage(disk), exportStorage: new LocalExportStorage(disk) }
}

const systemService = (
  deps: Pick<ServicesDeps, 'config' | 'persistence' | 'cache' | 'logLevel' | 'instanceId' | 'clock' | 'metrics'>,
  jobStatistics: JobStatistics,
): SystemService => {
  const { config, persistence, cache, logLevel, instanceId, clock, metrics } = deps
  return new SystemService({
    version: GANTRY_VERSION,
    startedAt: new Date(clock.now()),
    instanceId,
    roles: config.roles,
    database: config.database.url === null ? 'embedded' : 'external',
    timeZone: config.timeZone,
    cache,
    clock,
    logLevel,
    databaseHealth: persistence.databaseHealth,
    census: persistence.reads.census,
    queueStatistics: () => jobStatistics.read(),
    pace: () => metrics.pace(),
  })
}

/** The services of every module, on one database and one bus. */
export const composeServices = async ({
  config,
  persistence,
  cache,
  hotQueries,
  drivers,
  scans,
  logLevel,
  refusals,
  metrics,
  instanceId,
  clock,
  log,
  lifecycle,
}: ServicesDeps): Promise<ComposedServices> => {
  const { unitOfWork, reads, bus, eventLog } = persistence
  const asked = hotQueries.note.bind(hotQueries)
  const lists = config.cache.answers ? new KeptReads(persistence.lists, cache, buildId(), asked) : persistence.lists
  const { sealer, tokens, links, auditSeals } = await openSecrets(config, clock)
  const { storage, exportStorage } = openStorages(config.dataDir)
  const exports = new ExportsService({ unitOfWork, reads, storage: exportStorage, links, log })
  const webhookSender = openWebhookSender(config.webhooks, lifecycle)
  const board = new StatusBoard(bus, clock)
  const follow: FollowEvents = (cursor, signal) => followEvents(bus, eventLog, cursor, signal)
  const desk = new CommandDesk({ unitOfWork, reads, bus, drivers, sealer, clock, log })

  const { loginEnded, bytesReceived } = countUseIn(metrics)
  const queues = new QueuesOfJobs()
  const { statistics: jobStatistics, ...jobs } = composeJobAdministration({ config, persistence, queues, clock })

  const callers = openCallers({
    ...{ config, persistence, tokens, sealer, clock, log, lifecycle },
    loginEnded: noteLogins(refusals, loginEnded),
    proofRefused: (code) => refusals.note(code),
  })
  const services: Services = {
    ...callers.services,
    alarms: new AlarmsService({ unitOfWork, reads, lists, follow }),
    attempts: new AttemptsService({ reads, ledger: new AttemptLedger(unitOfWork, reads), bus }),
    audit: new AuditService({ lists: persistence.lists }),
    dispatch: new DispatchService({ database: unitOfWork, board }),
    exports,
    files: new FilesService({
      ...{ unitOfWork, reads, lists, storage, scans, clock, log },
      ...{ limitBytes: config.http.maxUploadBytes, quotaBytes: config.http.uploadQuotaBytes, bytesReceived },
    }),
    ...jobs,
    notifications: new NotificationsService({ unitOfWork, reads }),
    printers: new PrintersService({ unitOfWork, reads, lists, board, bus, desk, drivers, sealer }),
    printJobs: new PrintJobsService({ unitOfWork, reads, lists, bus, follow }),
    projects: new ProjectsService({ unitOfWork, reads, lists, follow }),
    statistics: new StatisticsService({ lists, timeZone: config.timeZone }),
    system: systemService({ config, persistence, cache, logLevel, instanceId, clock, metrics }, jobStatistics),
    ...composeAccounts({ config, persistence, sealer, exports, ...callers.own }),
    webhooks: new WebhooksService({ unitOfWork, reads, lists, sealer, sender: webhookSender }),
  }
  const { authenticator } = callers
  const kept = { storage, exportStorage, webhookSender, queues, jobStatistics, auditSeals }
  return { services, board, authenticator, sealer, ...kept }
}
