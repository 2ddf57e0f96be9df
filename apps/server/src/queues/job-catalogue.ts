import type { JobDefinition, RecurringJob } from '../kernel/jobs.js'
import { cleanupTokens, cleanupTokensSchedule, DEFAULT_CLEANUP_INTERVAL_MS } from '../modules/auth/auth.jobs.js'
import { dataExportJob } from '../modules/exports/exports.jobs.js'
import { alarmNotice } from '../modules/alarms/alarms.jobs.js'
import { fileProcessing, fileProcessingSchedule } from '../modules/files/files.jobs.js'
import { emailNotification } from '../modules/notifications/notifications.jobs.js'
import { dispatchWake } from '../modules/print-jobs/print-jobs.jobs.js'
import { webhookDelivery } from '../modules/webhooks/webhooks.jobs.js'
import { cacheWarmup, cacheWarmupSchedule } from '../modules/cache-warmup/cache-warmup.jobs.js'
import {
  metricsAggregation,
  metricsAggregationSchedule,
  userAnalytics,
  userAnalyticsSchedule,
} from '../modules/statistics/statistics.jobs.js'
import { cleanupRecords, cleanupRecordsSchedule } from './cleanup-records.jobs.js'

export interface JobCatalogueSettings {
  /** How often tokens and sessions are cleared away. @default 3 600 000 */
  cleanupIntervalMs?: number
}

/** Every job of the server, as the composition root and `docs/reference/jobs.md` know them. */
export const jobCatalogue = ({ cleanupIntervalMs = DEFAULT_CLEANUP_INTERVAL_MS }: JobCatalogueSettings = {}): {
  definitions: readonly JobDefinition[]
  recurring: readonly RecurringJob[]
} => ({
  definitions: [
    ...[dispatchWake, cleanupRecords, cleanupTokens, fileProcessing, dataExportJob],
    ...[metricsAggregation, userAnalytics, cacheWarmup],
    ...[alarmNotice, emailNotification, webhookDelivery],
  ],
  recurring: [
    ...[cleanupRecordsSchedule, cleanupTokensSchedule(cleanupIntervalMs), fileProcessingSchedule],
    ...[metricsAggregationSchedule, userAnalyticsSchedule, cacheWarmupSchedule],
  ],
})
