import type { NewEvent } from './events.js'
import type { JobOrders } from './jobs.js'

/** What every transaction offers beside its repositories. */
export interface TransactionContext {
  /** The database's clock at the beginning of the transaction. */
  now: Date
  /** Stores an event with the transaction; `actorId` says who caused it. */
  record(event: NewEvent, actorId: string): void
  jobs: JobOrders
  /**
   * Marks the delivered job done, exactly if the transaction commits; a second delivery waits for the first here.
   * @returns false when the job is finished already: then change nothing. Always true for jobs outside the outbox.
   */
  finishJob(jobId: string): Promise<boolean>
}

export interface IdempotentCall {
  actorId: string
  key: string
  procedure: string
  /** The parsed input; equal inputs give equal answers. */
  input: unknown
}

/** Reads over the repositories `R` that all see the database as it was at one moment. */
export interface Snapshots<R> {
  /** Changes nothing: a write inside it fails. */
  snapshot<T>(work: (repositories: R & Pick<TransactionContext, 'now'>) => Promise<T>): Promise<T>
}

/**
 * One transaction over the repositories `R`. No device and no network peer is waited for inside it. Serialization
 * failures, deadlocks, and connections that broke before the commit was sent are tried again, so the function must have
 * no effect outside the transaction. A commit whose answer got lost may have happened: then only `once` tries again.
 */
export interface UnitOfWork<R> {
  run<T>(work: (repositories: R & TransactionContext) => Promise<T>): Promise<T>
  /**
   * The same, once per actor and key within 24 hours: a repeated call gets the first answer.
   * @throws GantryError `IDEMPOTENCY_KEY_REUSED` when the input differs
   */
  once<T>(call: IdempotentCall, work: (repositories: R & TransactionContext) => Promise<T>): Promise<T>
  /**
   * The answer that an earlier call with this key got; null when there is none yet. For work that must be done before
   * the transaction, and is not to be done again for a call that is only repeated.
   * @throws GantryError `IDEMPOTENCY_KEY_REUSED` when the input differs
   */
  recall<T>(call: IdempotentCall): Promise<T | null>
}
