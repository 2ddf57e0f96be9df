import { z } from 'zod'

import { defineJob } from '../../src/kernel/jobs.js'

/**
 * How the handler goes about one job. `fails-once` fails at its first attempt; `blocks` keeps the event loop of the process
 * that gets it first from turning; `stubborn` does not end there and does not listen to its signal.
 */
export const WAYS = ['plain', 'fails-once', 'blocks', 'stubborn'] as const
export type Way = (typeof WAYS)[number]

/** What the experiments on jobs order. */
export const trialJob = (timeoutMs: number) =>
  defineJob({
    type: 'FAULT_TRIAL',
    version: 1,
    payload: z.strictObject({ n: z.int(), way: z.enum(WAYS), ms: z.number() }),
    attempts: 5,
    backoff: { type: 'fixed', delay: 200 },
    timeoutMs,
  })

/** What a worker process is told when it starts. */
export interface WorkerOrder {
  databaseUrl: string
  redisUrl: string | null
  timeoutMs: number
  lateMs: number
}
