import { z } from 'zod'

import { defineJob, type RecurringJob } from '../../kernel/index.js'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/**
 * What is left to do after uploads and removals: bytes that no version refers to are deleted. With `dropped` it looks
 * at what a removed file had, without at all that lies in the storage.
 */
export const fileProcessing = defineJob({
  type: 'FILE_PROCESSING',
  version: 1,
  payload: z.strictObject({
    dropped: z.strictObject({ contents: z.array(sha256).max(500), removedAt: z.iso.datetime() }).optional(),
  }),
  attempts: 5,
  backoff: { type: 'exponential', delay: 5_000 },
  timeoutMs: 10 * 60_000,
  concurrency: 1,
})

export const fileProcessingSchedule: RecurringJob = { definition: fileProcessing, payload: {}, everySeconds: 3_600 }
