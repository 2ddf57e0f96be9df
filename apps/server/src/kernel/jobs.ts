import type { z } from 'zod'

/** How long a failed job waits before it is tried again. Times are milliseconds, names are BullMQ's. */
export interface JobBackoff {
  /** The same pause each time, or twice as long each time. Each pause varies by half, so that failures do not march in step. */
  type: 'fixed' | 'exponential'
  /** The first pause. */
  delay: number
  /** No pause is longer. @default 60 000 */
  maxDelay?: number
}

/** What a job is: its name, the version of its payload, and the payload's schema (ids only, no blobs, no secrets). */
export interface JobDefinition<T extends string = string, S extends z.ZodType = z.ZodType> {
  /** In capitals: `DATA_EXPORT`. Its queue is called `data-export`. */
  type: T
  version: number
  payload: S
  /** What a payload of an earlier version means today, by that version. What comes out is parsed by `payload`. */
  earlier?: Readonly<Record<number, (payload: unknown) => unknown>>
  attempts: number
  /** @default twice as long each time, from one second */
  backoff?: JobBackoff
  timeoutMs: number
  /** How many of them one process does at the same time. @default 5 */
  concurrency?: number
  /** At most so many are begun in that time, by all processes together. @default no limit */
  rate?: { max: number; durationMs: number }
}

export type JobPayload<D extends JobDefinition> = z.infer<D['payload']>

export const defineJob = <T extends string, S extends z.ZodType>(definition: JobDefinition<T, S>) => definition

/** The queue in which jobs of a type wait: `DATA_EXPORT` → `data-export`. */
export const queueNameOf = (type: string): string => type.toLowerCase().replaceAll('_', '-')

/** How one order differs from what the definition says. Times are milliseconds, names are BullMQ's. */
export interface JobOptions {
  /** 1 goes first and 2,097,151 last, within the type's own queue; jobs without one go before all of them. */
  priority?: number
  /** Not before so long from now. */
  delay?: number
  attempts?: number
  backoff?: JobBackoff
  /**
   * While a job of this type with the same id is neither done nor dead, another order of it is none. With `ttl` it is the
   * time since the first order that counts, whatever became of it.
   */
  deduplication?: { id: string; ttl?: number }
}

/** Orders jobs that must not be lost, in the caller's transaction: they happen exactly if it commits. */
export interface JobOrders {
  /**
   * @returns the job's id, which every delivery brings; an order that a deduplication swallows leaves no job under it
   * @throws ZodError for a payload that no handler could read, RangeError for options that cannot be
   */
  add<D extends JobDefinition>(definition: D, payload: JobPayload<D>, options?: JobOptions): string
}

/** One delivery of a job. Handlers are idempotent: the same `jobId` may come again. */
export interface JobDelivery<D extends JobDefinition> {
  /** For jobs from the outbox the row's id, the same at every delivery; `TransactionContext.finishJob` takes it. */
  jobId: string
  payload: JobPayload<D>
  /** Which try this is, from 1, and after how many the job is dead. */
  attempt: number
  attempts: number
  /** Aborts at the job's time-out and when the process stops. */
  signal: AbortSignal
}

export interface JobHandler<D extends JobDefinition = JobDefinition> {
  definition: D
  handle(delivery: JobDelivery<D>): Promise<void>
}

export const handleJob = <D extends JobDefinition>(definition: D, handle: JobHandler<D>['handle']): JobHandler<D> => ({
  definition,
  handle,
})

/** Thrown by a handler that knows that no further try can succeed: the job is dead at once. */
export class JobRefused extends Error {
  override readonly name = 'JobRefused'
}

/**
 * Thrown by a handler that was told when it may try again: the pause before that is at least so long. It counts as a try, and
 * says nothing to work that no outbox knows.
 */
export class JobPostponed extends Error {
  override readonly name = 'JobPostponed'

  /** @param pauseMs bounded by whoever throws it */
  constructor(
    message: string,
    readonly pauseMs: number,
  ) {
    super(message)
  }
}

/** Work that a sweep would find anyway; kept nowhere but in the queue. What must not be lost goes through the outbox. */
export interface JobScheduler {
  wake<D extends JobDefinition>(definition: D, payload: JobPayload<D>, options?: JobOptions): Promise<void>
}

/** When a job comes again by itself. Slots of `cron` are read in the time zone of the installation. */
export type JobTimes = { everySeconds: number } | { cron: string }

/** A job that comes again and again by itself: one order per slot, however many processes there are. */
export type RecurringJob<D extends JobDefinition = JobDefinition> = { definition: D; payload: JobPayload<D> } & JobTimes
