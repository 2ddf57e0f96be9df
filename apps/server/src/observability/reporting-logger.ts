import type { ErrorReport } from '../kernel/error-reporter.port.js'
import type { LineLevel, Logger } from '../kernel/logger.port.js'

/**
 * Reports what is logged as an error, whatever the log's level: whoever logs an error has said all that a report needs,
 * and no place can forget to report.
 */
export class ReportingLogger implements Logger {
  constructor(
    private readonly log: Logger,
    private readonly report: (report: ErrorReport) => void,
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
    this.report({ error: err, message, fields: { ...this.inherited, ...rest }, fatal })
  }

  child(fields: Record<string, unknown>): Logger {
    return new ReportingLogger(this.log.child(fields), this.report, { ...this.inherited, ...fields })
  }
}
