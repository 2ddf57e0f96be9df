import type { Config } from '../config/config.js'
import { removeOldEmails } from '../db/emails.repository.js'
import { createEndedSessions } from '../db/ended-sessions.js'
import { PrismaExportTables } from '../db/export-tables.js'
import { removeExpiredIdempotencyKeys } from '../db/idempotency.js'
import type { PrismaOutbox } from '../db/outbox.js'
import { handleJob, type JobHandler, type Logger, type Timers } from '../kernel/index.js'
import { removeOldEntries } from '../modules/audit/audit-retention.js'
import type { Seals } from '../modules/audit/seals.js'
import { createCleanupTokensHandler } from '../modules/auth/cleanup-tokens.js'
import { cacheWarmupHandler } from '../modules/cache-warmup/cache-warmup.handler.js'
import { ExportRunner } from '../modules/exports/export-runner.js'
import { dataExportJob } from '../modules/exports/exports.jobs.js'
import type { ExportStorage } from '../modules/exports/exports.ports.js'
import { sweepExports } from '../modules/exports/sweep-exports.js'
import { createFileProcessingHandler } from '../modules/files/file-processing.handler.js'
import type { FileStorage } from '../modules/files/file-storage.port.js'
import { createAlarmNoticeHandler } from '../modules/notifications/alarm-notice.handler.js'
import { createEmailNotificationHandler } from '../modules/notifications/email-notification.handler.js'
import { dispatchWake } from '../modules/print-jobs/print-jobs.jobs.js'
import type { CredentialSealer } from '../modules/printers/printers.ports.js'
import { metricsAggregationHandler } from '../modules/statistics/metrics-aggregation.handler.js'
import { RollUp } from '../modules/statistics/roll-up.js'
import { userAnalyticsHandler } from '../modules/statistics/user-analytics.handler.js'
import { UserAnalytics } from '../modules/statistics/user-analytics.js'
import { createWebhookDeliveryHandler } from '../modules/webhooks/webhook-delivery.handler.js'
import type { WebhookSender } from '../modules/webhooks/webhooks.ports.js'
import { createCleanupRecordsHandler, type Clearing } from '../queues/cleanup-records.jobs.js'
import { mailSender } from './mail.js'
import type { Persistence } from './persistence.js'
import type { WarmUp } from './warm-up.js'

/** How long events can be read; an older cursor gets `resync`. */
const EVENTS_KEPT_HOURS = 24

/** What webhooks have not got yet, since no worker ran, is kept for longer. */
const UNREAD_EVENTS_KEPT_HOURS = 7 * 24

/** Done jobs tell little; dead ones are kept for whoever looks into them. */
const FINISHED_JOBS_KEPT = { doneDays: 1, deadDays: 30 } as const

const WEBHOOK_DELIVERIES_KEPT_DAYS = 30
const EMAILS_KEPT_DAYS = 90

export interface JobHandlersDeps {
  config: Pick<Config, 'audit' | 'http' | 'mail'>
  persistence: Persistence
  storage: FileStorage
  outbox: PrismaOutbox
  exportStorage: ExportStorage
  sealer: CredentialSealer
  webhookSender: WebhookSender
  auditSeals: Seals
  timeZone: string
  warmUp: WarmUp
  clock: Timers
  log: Logger
}

/** How many of the queries that are asked for are known. */
const HOT_QUERIES_KEPT = 1_000

const removeColdQueries = ({ unitOfWork }: Persistence) =>
  unitOfWork.run(({ hotQueries }) => hotQueries.removeCold(HOT_QUERIES_KEPT))

const clearings = (
  { config, persistence, outbox, exportStorage, auditSeals, clock }: JobHandlersDeps,
  rollUp: RollUp,
): Clearing[] => [
  { what: 'events', remove: () => persistence.eventLog.removeOlderThan(EVENTS_KEPT_HOURS, UNREAD_EVENTS_KEPT_HOURS) },
  { what: 'idempotency keys', remove: () => removeExpiredIdempotencyKeys(persistence.database.prisma) },
  {
    what: 'webhook deliveries',
    remove: () => persistence.reads.webhookDeliveries.removeOlderThan(WEBHOOK_DELIVERIES_KEPT_DAYS),
  },
  { what: 'jobs', remove: () => outbox.removeFinished(FINISHED_JOBS_KEPT) },
  {
    what: 'exports',
    remove: (signal) => sweepExports({ unitOfWork: persistence.unitOfWork, storage: exportStorage, clock }, signal),
  },
  { what: 'mails', remove: (signal) => removeOldEmails(persistence.database.prisma, EMAILS_KEPT_DAYS, signal) },
  { what: 'queries that are asked no more', remove: () => removeColdQueries(persistence) },
  {
    what: 'audit entries',
    remove: (signal) =>
      removeOldEntries({ ...persistence, seals: auditSeals, days: config.audit.retentionDays }, signal),
  },
  { what: 'statistics', remove: (signal) => rollUp.clear(signal) },
]

const exporting = ({ persistence, exportStorage, timeZone, clock, log }: JobHandlersDeps): JobHandler => {
  const { unitOfWork, reads, database } = persistence
  const tables = new PrismaExportTables(database.reads, timeZone)
  const runner = new ExportRunner({ unitOfWork, reads, tables, storage: exportStorage, clock, log })
  return handleJob(dataExportJob, (delivery) => runner.handle(delivery))
}

/** Every handler, one per job of the catalogue. */
export const jobHandlers = (deps: JobHandlersDeps): JobHandler[] => {
  const { persistence, timeZone, log } = deps
  const { unitOfWork, eventLog } = persistence
  const rollUp = new RollUp({ unitOfWork, timeZone, log })
  return [
    handleJob(dispatchWake, () => {
      persistence.bus.wake('dispatch')
      return Promise.resolve()
    }),
    createCleanupRecordsHandler(clearings(deps, rollUp), log),
    createCleanupTokensHandler({ sessions: createEndedSessions(persistence.database.prisma), log }),
    createFileProcessingHandler({ ...deps, ...persistence }),
    exporting(deps),
    metricsAggregationHandler(rollUp, log),
    userAnalyticsHandler(new UserAnalytics({ unitOfWork, events: eventLog, timeZone, log })),
    cacheWarmupHandler(deps.warmUp.warmer, log),
    ...telling(deps),
  ]
}

/** What goes out to people and other systems. */
const telling = (deps: JobHandlersDeps): JobHandler[] => {
  const { config, persistence, sealer, webhookSender } = deps
  const { unitOfWork } = persistence
  return [
    createAlarmNoticeHandler({ unitOfWork, leastSeverity: config.mail.alarmSeverity }),
    createEmailNotificationHandler({
      ...{ unitOfWork, sender: mailSender(config.mail), publicUrl: config.http.publicUrl, sealer },
    }),
    createWebhookDeliveryHandler({ ...deps, ...persistence, sender: webhookSender }),
  ]
}
