import { z } from 'zod'

import { defineJob, handleJob, type JobHandler, type RecurringJob } from '../kernel/jobs.js'
import type { Logger } from '../kernel/logger.port.js'

const housekeeping = { version: 1, payload: z.strictObject({}), attempts: 2, timeoutMs: 60_000 } as const

export const removeOldEvents = defineJob({ ...housekeeping, type: 'maintenance.remove_old_events' })
export const removeIdempotencyKeys = defineJob({ ...housekeeping, type: 'maintenance.remove_idempotency_keys' })
export const removeFinishedJobs = defineJob({ ...housekeeping, type: 'maintenance.remove_finished_jobs' })

export const maintenanceDefinitions = [removeOldEvents, removeIdempotencyKeys, removeFinishedJobs]

export const maintenanceSchedule: readonly RecurringJob[] = [
  { definition: removeOldEvents, payload: {}, everySeconds: 600 },
  { definition: removeIdempotencyKeys, payload: {}, everySeconds: 3_600 },
  { definition: removeFinishedJobs, payload: {}, everySeconds: 3_600 },
]

/** How long events can be read; an older cursor gets `resync`. */
export const EVENTS_KEPT_HOURS = 24

/** Done jobs tell little; dead ones are kept for whoever looks into them. */
export const FINISHED_JOBS_KEPT = { doneDays: 1, deadDays: 30 } as const

/** The clearing that the tables offer; each call is one bounded statement and returns how many rows went. */
export interface MaintenanceStore {
  removeEventsOlderThan(hours: number): Promise<number>
  removeExpiredIdempotencyKeys(): Promise<number>
  removeFinishedJobs(kept: { doneDays: number; deadDays: number }): Promise<number>
}

/** The handlers that keep tables from growing for ever. */
export const createMaintenanceHandlers = (store: MaintenanceStore, log: Logger): JobHandler[] => {
  const tell = (what: string, rows: number) => log.debug({ what, rows }, 'old rows removed')
  return [
    handleJob(removeOldEvents, async () => tell('events', await store.removeEventsOlderThan(EVENTS_KEPT_HOURS))),
    handleJob(removeIdempotencyKeys, async () => tell('idempotency keys', await store.removeExpiredIdempotencyKeys())),
    handleJob(removeFinishedJobs, async () => tell('jobs', await store.removeFinishedJobs(FINISHED_JOBS_KEPT))),
  ]
}
