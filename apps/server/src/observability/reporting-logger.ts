import type { ErrorReporter } from '../kernel/error-reporter.port.js'
import type { LineLevel, Logger } from '../kernel/logger.port.js'

export interface ReportingOptions {
  reporter: ErrorReporter
  /** Whether somebody foresaw the error, so that it says nothing about our code. */
  isExpected: (error: unknown) => boolean
}

/**
 * Reports what is logged as an error and was not expected, whatever the log's level: whoever logs an error has said all
 * that a report needs, and no place can forget to report.
 */
export class ReportingLogger implements Logger {
  constructor(
    private readonly log: Logger,
    private readonly options: ReportingOptions,
    private readonly inherited: Record<string, unknown> = {},
  ) {}

  isEnabled(level: LineLevel): boolean {
    return this.log.isEnabled(level)
  }

  debug(fields: object, message: string): void {
    this.log.debug(fields, message)
  }

  info(fields: object, message: string): void {
    this.log.info(fields, message)
  }

  warn(fields: object, message: string): void {
    this.log.warn(fields, message)
  }

  error(fields: object, message: string): void {
    this.log.error(fields, message)
    const { err, fatal = false, ...rest } = fields as { err?: unknown; fatal?: boolean }
    if (err === undefined || this.options.isExpected(err)) return
    this.options.reporter.report({ error: err, message, fields: { ...this.inherited, ...rest }, fatal })
  }

  child(fields: Record<string, unknown>): Logger {
    return new ReportingLogger(this.log.child(fields), this.options, { ...this.inherited, ...fields })
  }
}
