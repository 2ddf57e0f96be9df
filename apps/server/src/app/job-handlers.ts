import type { Config } from '../config/config.js'
import { removeOldEmails } from '../db/emails.repository.js'
import { PrismaExportTables } from '../db/export-tables.js'
import { removeExpiredIdempotencyKeys } from '../db/idempotency.js'
import { createEndedSessions } from '../db/ended-sessions.js'
import type { PrismaOutbox } from '../db/outbox.js'
import { handleJob, type JobHandler, type Logger, type Timers } from '../kernel/index.js'
import { createCleanupTokensHandler } from '../modules/auth/cleanup-tokens.js'
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
import { createWebhookDeliveryHandler } from '../modules/webhooks/webhook-delivery.handler.js'
import type { WebhookSender } from '../modules/webhooks/webhooks.ports.js'
import { createCleanupRecordsHandler, type Clearing } from '../queues/cleanup-records.jobs.js'
import { mailSender } from './mail.js'
import type { Persistence } from './persistence.js'

/** How long events can be read; an older cursor gets `resync`. */
const EVENTS_KEPT_HOURS = 24

/** What webhooks have not got yet, since no worker ran, is kept for longer. */
const UNREAD_EVENTS_KEPT_HOURS = 7 * 24

/** Done jobs tell little; dead ones are kept for whoever looks into them. */
const FINISHED_JOBS_KEPT = { doneDays: 1, deadDays: 30 } as const

const WEBHOOK_DELIVERIES_KEPT_DAYS = 30
const EMAILS_KEPT_DAYS = 90

export interface JobHandlersDeps {
  config: Pick<Config, 'http' | 'mail'>
  persistence: Persistence
  storage: FileStorage
  outbox: PrismaOutbox
  exportStorage: ExportStorage
  sealer: CredentialSealer
  webhookSender: WebhookSender
  timeZone: string
  clock: Timers
  log: Logger
}

const clearings = ({ persistence, outbox, exportStorage, clock }: JobHandlersDeps): Clearing[] => [
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
]

const exporting = ({ persistence, exportStorage, timeZone, clock, log }: JobHandlersDeps): JobHandler => {
  const { unitOfWork, reads, database } = persistence
  const tables = new PrismaExportTables(database.reads, timeZone)
  const runner = new ExportRunner({ unitOfWork, reads, tables, storage: exportStorage, clock, log })
  return handleJob(dataExportJob, (delivery) => runner.handle(delivery))
}

/** Every handler, one per job of the catalogue. */
export const jobHandlers = (deps: JobHandlersDeps): JobHandler[] => [
  handleJob(dispatchWake, () => {
    deps.persistence.bus.wake('dispatch')
    return Promise.resolve()
  }),
  createCleanupRecordsHandler(clearings(deps), deps.log),
  createCleanupTokensHandler({ sessions: createEndedSessions(deps.persistence.database.prisma), log: deps.log }),
  exporting(deps),
  createWebhookDeliveryHandler({ ...deps, ...deps.persistence, sender: deps.webhookSender }),
  createFileProcessingHandler({
    ...{ unitOfWork: deps.persistence.unitOfWork, reads: deps.persistence.reads },
    ...{ storage: deps.storage, clock: deps.clock, log: deps.log },
  }),
  createAlarmNoticeHandler({
    unitOfWork: deps.persistence.unitOfWork,
    leastSeverity: deps.config.mail.alarmSeverity,
  }),
  createEmailNotificationHandler({
    unitOfWork: deps.persistence.unitOfWork,
    sender: mailSender(deps.config.mail),
    publicUrl: deps.config.http.publicUrl,
  }),
]
