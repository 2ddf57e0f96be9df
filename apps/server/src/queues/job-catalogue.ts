import type { JobDefinition, RecurringJob } from '../kernel/jobs.js'
import { dispatchWake } from '../modules/print-jobs/print-jobs.jobs.js'
import { maintenanceDefinitions, maintenanceSchedule } from './maintenance.jobs.js'

/** Every job of the server, as the composition root and `docs/reference/jobs.md` know them. */
export const jobCatalogue = (): { definitions: readonly JobDefinition[]; recurring: readonly RecurringJob[] } => ({
  definitions: [dispatchWake, ...maintenanceDefinitions],
  recurring: maintenanceSchedule,
})
