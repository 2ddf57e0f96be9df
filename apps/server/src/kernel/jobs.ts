import type { z } from 'zod'

/** What a job is: its name, the version of its payload, and the payload's schema (ids only, no blobs, no secrets). */
export interface JobDefinition<T extends string = string, S extends z.ZodType = z.ZodType> {
  type: T
  version: number
  payload: S
  attempts: number
  timeoutMs: number
}

export type JobPayload<D extends JobDefinition> = z.infer<D['payload']>

export const defineJob = <T extends string, S extends z.ZodType>(definition: JobDefinition<T, S>) => definition

/** One delivery of a job. Handlers are idempotent: the same `jobId` may come again. */
export interface JobDelivery<D extends JobDefinition> {
  /** For jobs from the outbox the row's id, the same at every delivery; `TransactionContext.finishJob` takes it. */
  jobId: string
  payload: JobPayload<D>
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

/** Work that a sweep would find anyway; kept nowhere but in the queue. What must not be lost goes through the outbox. */
export interface JobScheduler {
  wake<D extends JobDefinition>(definition: D, payload: JobPayload<D>): Promise<void>
}

/** A job that comes again and again by itself. */
export interface RecurringJob<D extends JobDefinition = JobDefinition> {
  definition: D
  payload: JobPayload<D>
  everySeconds: number
}
