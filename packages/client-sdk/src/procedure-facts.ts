/** What the client must know of a procedure while it runs. */
export interface ProcedureFacts {
  type: 'query' | 'mutation' | 'subscription'
  /** Whether it takes an input at all. */
  input: boolean
  /** Whether its input has an `idempotencyKey`. */
  idempotent: boolean
  /** Whether its stream carries cursors, so that it goes on where it broke. */
  resumable: boolean
}
