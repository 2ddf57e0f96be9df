import type { ProcedureOutcome } from '../trpc/context.js'

export interface RequestOutcome {
  method: string
  /** A route's pattern, never a path: the number of label values must stay small. */
  route: string
  status: number
  durationSeconds: number
}

/** All numbers as text, for whoever collects them. */
export interface MetricsText {
  expose(format: 'prometheus' | 'openmetrics'): Promise<{ contentType: string; text: string }>
}

/** Where the HTTP server reports to. */
export interface HttpMetrics extends MetricsText {
  requestFinished(outcome: RequestOutcome): void
  procedureFinished(outcome: ProcedureOutcome): void
  gauge(name: string, help: string, read: () => number): void
}
