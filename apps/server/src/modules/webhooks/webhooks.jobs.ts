import { idOf } from '@gantry/schemas'
import { z } from 'zod'

import { defineJob, type JobBackoff } from '../../kernel/index.js'
import type { TryResult } from './webhooks.ports.js'

/** 10 s, doubled up to 6 h: the fifteenth and last try is made about a day (23 h 22 min) after the first. */
const BACKOFF = { type: 'exponential', delay: 10_000, maxDelay: 6 * 3_600_000 } as const satisfies JobBackoff

/** One event to one webhook. */
export const webhookDelivery = defineJob({
  type: 'WEBHOOK_DELIVERY',
  version: 1,
  payload: z.strictObject({ deliveryId: idOf('webhookDelivery') }),
  attempts: 15,
  backoff: BACKOFF,
  timeoutMs: 30_000,
  concurrency: 20,
})

/** The pause after so many tries; the queue varies each by half. */
export const pauseAfterMs = (tries: number): number => Math.min(BACKOFF.maxDelay, BACKOFF.delay * 2 ** (tries - 1))

/** What a receiver asks for, as far as it is done: nobody puts a delivery off for longer than the schedule would. */
export const askedPauseMs = ({ retryAfterMs }: Pick<TryResult, 'retryAfterMs'>): number =>
  Math.min(BACKOFF.maxDelay, retryAfterMs ?? 0)
