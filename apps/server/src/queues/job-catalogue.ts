import type { JobDefinition, RecurringJob } from '../kernel/jobs.js'
import { dispatchWake } from '../modules/print-jobs/print-jobs.jobs.js'
import { cleanupRecords, cleanupRecordsSchedule } from './cleanup-records.jobs.js'

/** Every job of the server, as the composition root and `docs/reference/jobs.md` know them. */
export const jobCatalogue = (): { definitions: readonly JobDefinition[]; recurring: readonly RecurringJob[] } => ({
  definitions: [dispatchWake, cleanupRecords],
  recurring: [cleanupRecordsSchedule],
})
