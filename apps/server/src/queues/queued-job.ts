import type { JobsOptions as BullJobOptions } from 'bullmq'
import { z } from 'zod'

import type { Origin } from '../kernel/correlation.js'
import type { OutboxDelivery } from '../kernel/outbox.port.js'

/** What lies in the queue. Without `outbox` the queue holds the only copy: work that a sweep would find anyway. */
export const queuedJob = z.object({
  version: z.int(),
  payload: z.unknown(),
  /** What ordered it. */
  origin: z.object({ requestId: z.string().optional(), traceparent: z.string().optional() }).optional(),
  outbox: z
    .object({
      id: z.string(),
      delivery: z.int(),
      waitedMs: z.number().optional(),
      attempts: z.int().optional(),
      backoff: z
        .object({ type: z.enum(['fixed', 'exponential']), delay: z.number(), maxDelay: z.number().optional() })
        .optional(),
    })
    .optional(),
})
export type QueuedJob = z.infer<typeof queuedJob>

/** The queue's id of a delivery; ids with `:` and plain numbers would be refused. */
export const queueIdOf = ({ id, delivery }: { id: string; delivery: number }): string =>
  delivery === 1 ? id : `${id}_r${delivery - 1}`

export interface BulkJob {
  name: string
  data: QueuedJob
  opts: BullJobOptions
}

/** One try in the queue: when and how often to try again is written in the outbox. */
export const toBulkJob = (job: OutboxDelivery): BulkJob => ({
  name: job.type,
  data: { version: job.version, payload: job.payload, outbox: orderOf(job), ...originOf(job.origin) },
  opts: { jobId: queueIdOf(job), attempts: 1, ...(job.priority === null ? {} : { priority: job.priority }) },
})

/** Nothing of it is kept where it says nothing. */
export const originOf = (origin: Origin | null): { origin?: Origin } => (origin === null ? {} : { origin })

const orderOf = ({ id, delivery, waitedMs, attempts, backoff }: OutboxDelivery) => ({
  ...{ id, delivery, waitedMs },
  ...(attempts === null ? {} : { attempts }),
  ...(backoff === null ? {} : { backoff }),
})
