import { z } from 'zod'

import { defineJob, handleJob, type JobHandler, type RecurringJob } from '../kernel/jobs.js'
import type { Logger } from '../kernel/logger.port.js'

export const cleanupRecords = defineJob({
  type: 'CLEANUP_RECORDS',
  version: 1,
  payload: z.strictObject({}),
  attempts: 2,
  timeoutMs: 60_000,
})

export const cleanupRecordsSchedule: RecurringJob = { definition: cleanupRecords, payload: {}, everySeconds: 600 }

/** Removes what is too old of one kind, in bounded statements. @returns how many rows went */
export interface Clearing {
  what: string
  remove(signal: AbortSignal): Promise<number>
}

/** Keeps tables from growing for ever. One that fails does not keep the others from their turn. */
export const createCleanupRecordsHandler = (clearings: readonly Clearing[], log: Logger): JobHandler =>
  handleJob(cleanupRecords, async ({ signal }) => {
    const failures: unknown[] = []
    for (const clearing of clearings) {
      signal.throwIfAborted()
      try {
        log.debug({ what: clearing.what, rows: await clearing.remove(signal) }, 'old rows removed')
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} clearings failed`)
  })
