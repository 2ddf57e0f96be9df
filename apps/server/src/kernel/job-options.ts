import { z } from 'zod'

import type { JobOptions } from './jobs.js'

/** BullMQ's own bound. */
const LAST_PRIORITY = 2_097_151
const YEAR_MS = 366 * 24 * 60 * 60_000

const milliseconds = z.int().min(0).max(YEAR_MS)

const jobOptions = z.strictObject({
  priority: z.int().min(1).max(LAST_PRIORITY).optional(),
  delay: milliseconds.optional(),
  attempts: z.int().min(1).max(100).optional(),
  backoff: z
    .strictObject({
      type: z.enum(['fixed', 'exponential']),
      delay: milliseconds,
      maxDelay: milliseconds.optional(),
    })
    .optional(),
  deduplication: z.strictObject({ id: z.string().min(1).max(200), ttl: milliseconds.min(1).optional() }).optional(),
})

/** @throws RangeError that names every option that cannot be */
export const checkedJobOptions = (options: JobOptions): JobOptions => {
  const parsed = jobOptions.safeParse(options)
  if (!parsed.success) throw new RangeError(`job options: ${z.prettifyError(parsed.error)}`)
  return options
}
