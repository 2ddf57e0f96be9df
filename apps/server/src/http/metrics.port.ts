import type { ProcedureOutcome } from '../trpc/context.js'

export interface RequestOutcome {
  method: string
  /** A route's pattern, never a path: the number of label values must stay small. */
  route: string
  status: number
  durationSeconds: number
}

/** Where the HTTP server reports to. */
export interface HttpMetrics {
  readonly registry: { readonly contentType: string; metrics(): Promise<string> }
  requestFinished(outcome: RequestOutcome): void
  procedureFinished(outcome: ProcedureOutcome): void
  gauge(name: string, help: string, read: () => number): void
}
