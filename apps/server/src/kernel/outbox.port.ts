import type { Origin } from './correlation.js'
import type { JobBackoff } from './jobs.js'

/** One job taken from the outbox, on its `delivery`-th way to a handler (1 is the first). */
export interface OutboxDelivery {
  id: string
  type: string
  version: number
  payload: unknown
  delivery: number
  /** How long it has been due. */
  waitedMs: number
  /** What the order wanted otherwise than its definition. */
  priority: number | null
  attempts: number | null
  backoff: JobBackoff | null
  origin: Origin | null
}

/** Why a job failed. */
export interface JobFailure {
  error: string
  stack: string | null
}

/** A job that was handed to the queue and should have been finished by now. */
export interface OverdueJob {
  id: string
  type: string
  delivery: number
  attempts: number | null
}

/** How long a delivery may take before it is looked after, per job type. Types that are not named are left alone. */
export type DeliveryDeadlines = Readonly<Record<string, number>>

/**
 * The rows behind the jobs: pending → relayed → done or dead. Each method is one short transaction, so that nobody
 * holds a row while a queue is waited for. All methods throw GantryError `UNAVAILABLE` when the database cannot answer.
 */
export interface Outbox {
  /** Takes pending rows whose time has come, at most `limit`; two relays never take the same row. */
  claimDue(deadlines: DeliveryDeadlines, limit: number): Promise<OutboxDelivery[]>
  /** Relayed rows whose deadline has passed; their deadline is moved on, so that one relay looks after each. */
  claimOverdue(deadlines: DeliveryDeadlines, limit: number): Promise<OverdueJob[]>
  /** Makes relayed rows pending again; `counted` tells whether the delivery counts against the job's attempts. */
  putBack(ids: readonly string[], options: { delayMs: number; counted: boolean; failure?: JobFailure }): Promise<void>
  /** True while a handler may still run the job, that is until it is done or dead. */
  isOpen(id: string): Promise<boolean>
  /** Marks an open row done; without effect on others. */
  markDone(id: string): Promise<void>
  /** Stores what died without a row: a wake-up, or what lay in a queue and is no job. */
  recordDead(
    job: { type: string; version: number; payload: unknown; attempts: number },
    failure: JobFailure,
  ): Promise<void>
  /** Marks an open row dead, to be looked at by a person. */
  markDead(id: string, failure: JobFailure): Promise<void>
}
