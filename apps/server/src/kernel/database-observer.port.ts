/** One operation of the database client, a statement or a few. */
export interface TimedOperation {
  /** `primary`, `leases`, or a replica's name. */
  database: string
  /** Null for raw SQL. */
  model: string | null
  operation: string
  failed: boolean
  durationSeconds: number
}

/**
 * Who answered a read that a replica might have answered: `primary_fresh` when it had to show more than any replica was
 * known to have, `primary_alone` when no replica could be read.
 */
export type ServedBy = 'replica' | 'primary_fresh' | 'primary_alone'

export interface ReadObserver {
  readServed(by: ServedBy): void
  /** Called once per change: whether at least one replica can be read. */
  replicasChanged(anyUsable: boolean): void
}

/** What the database layer tells of its work. Never throws. */
export interface DatabaseObserver extends ReadObserver {
  operationEnded(operation: TimedOperation): void
}
