/** One operation of the database client: a statement, or the few that it takes. */
export interface TimedOperation {
  /** Which connections served it: `primary` or `leases`. */
  database: string
  /** Null for raw SQL. */
  model: string | null
  operation: string
  failed: boolean
  durationSeconds: number
}

/** Is told of every operation when it has ended. Never throws. */
export type ObserveOperation = (operation: TimedOperation) => void
