/** An error with the line that stands in the log about it. */
export interface ErrorReport {
  /** Undefined: the line alone says what is wrong. */
  error: unknown
  /** The log's constant sentence. */
  message: string
  /** What is known besides: of the request, of the job, of whatever failed. Secrets are taken out by the reporter. */
  fields: Readonly<Record<string, unknown>>
  /** Whether the process ends for it. @default false */
  fatal?: boolean
}

/** Hands errors on to whoever watches over installations. It may leave some out: it is told more than it may send. */
export interface ErrorReporter {
  /** Returns at once and never throws, whatever becomes of the report. */
  report(report: ErrorReport): void
  /** Sends what is still to be sent, within about two seconds; afterwards nothing is reported. Never rejects. */
  stop(): Promise<void>
}
