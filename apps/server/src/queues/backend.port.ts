import type { Job, Processor, Queue } from 'bullmq'

import type { QueuedCounts } from '../kernel/job-queues.port.js'
import type { QueuedJob } from './queued-job.js'

export type TakenJob = Job<QueuedJob, void>

/** A queue as its producers and the admin's views see it; BullMQ's own, on either backend. */
export type GantryQueue = Pick<
  Queue<QueuedJob, void>,
  | 'name'
  | 'add'
  | 'addBulk'
  | 'getJob'
  | 'getJobs'
  | 'getJobState'
  | 'getJobCounts'
  | 'clean'
  | 'waitUntilReady'
  | 'close'
>

/** What takes jobs out of one queue. */
export interface GantryWorker {
  /** Begins to take jobs; until then none is. */
  run(): Promise<void>
  /** @param doNotWaitActive true: resolves although jobs still run */
  pause(doNotWaitActive: true): Promise<void>
  resume(): void
  /** Waits for what runs, without limit. */
  close(): Promise<void>
}

export interface WorkerOptions {
  /** Jobs at the same time in this process. */
  concurrency: number
  /** How many may begin in that time, over all processes. */
  rate?: { max: number; durationMs: number } | undefined
  /** Told of wake-ups that failed for the last time. */
  onFailed: (job: TakenJob, error: Error) => void
}

/** Where BullMQ keeps its queues. */
export interface QueueBackend {
  readonly kind: 'postgres' | 'redis'
  /** @throws Error when the backend cannot be used as it is */
  start(): Promise<void>
  openQueue(name: string): GantryQueue
  openWorker(name: string, process: Processor<QueuedJob, void>, options: WorkerOptions): GantryWorker
  /** What lies in these queues now, in their order; quick however much that is. */
  counts(queues: readonly GantryQueue[]): Promise<QueuedCounts[]>
  /** After every queue and worker was closed. */
  close(): Promise<void>
}

/** Finished jobs leave at once: what happened is told by the outbox and the log. */
export const KEPT = { removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } }

/** Nobody reads BullMQ's own stream of events. */
export const STREAMS = { events: { maxLen: 100 } }

/**
 * A connection cut between taking a job and hearing of it leaves the job taken by nobody. It comes back when its lock
 * has run out and somebody has looked, so both are short; live workers renew their locks at half time.
 */
export const ABANDONED = { lockDuration: 10_000, stalledInterval: 5_000 }

/** A job that stalls again and again is looked after by the outbox, which counts deliveries. */
export const STALLED = { maxStalledCount: 5 }

/** What BullMQ is told of a worker on either backend; it takes nothing before `run()`. */
export const workerSettings = ({ concurrency, rate }: Pick<WorkerOptions, 'concurrency' | 'rate'>) => ({
  ...{ concurrency, autorun: false, ...ABANDONED, ...STALLED, ...KEPT },
  ...(rate === undefined ? {} : { limiter: { max: rate.max, duration: rate.durationMs } }),
})
