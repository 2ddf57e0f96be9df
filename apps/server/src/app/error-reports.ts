import type { Config } from '../config/config.js'
import {
  correlation,
  fieldsOf,
  GantryError,
  JobRefused,
  RareLog,
  type ErrorReporter,
  type Logger,
  type Timers,
} from '../kernel/index.js'
import { DriverError } from '../modules/printers/printer-driver.port.js'
import { NetError } from '../net/net-error.js'
import { SentryReporter } from '../observability/error-reports/sentry-reporter.js'
import type { RecentErrors } from '../observability/recent-errors.js'
import { ReportingLogger } from '../observability/reporting-logger.js'
import { GANTRY_VERSION } from './installation.js'

export interface ErrorReportsDeps {
  config: Pick<Config, 'errorReports'>
  /** Hears of all of them. */
  recentErrors: RecentErrors
  clock: Timers
  log: Logger
}

/** Of printers and of other people's servers; they say nothing about our code. */
const EXPECTED = [DriverError, NetError, JobRefused]

/** Lines without an error tell of troubles that somebody foresaw. */
const isExpected = (error: unknown): boolean =>
  error instanceof GantryError
    ? error.code !== 'INTERNAL'
    : error === undefined || EXPECTED.some((kind) => error instanceof kind)

const context = (): Record<string, unknown> => {
  const current = correlation()
  return current === undefined ? {} : { ...fieldsOf(current) }
}

/** Where unexpected errors are reported to; null: nowhere. */
const openReporter = ({ config, clock, log }: ErrorReportsDeps): ErrorReporter | null => {
  const { dsn, environment } = config.errorReports
  if (dsn === null) return null
  return new SentryReporter({
    ...{ dsn, environment, release: `gantry@${GANTRY_VERSION}`, clock },
    context,
    log: new RareLog(log, clock),
  })
}

/** The log that everybody gets: errors in it are remembered, and with a `SENTRY_DSN` unexpected ones are reported. */
export const openErrorReports = (deps: ErrorReportsDeps) => {
  const reporter = openReporter(deps)
  const log = new ReportingLogger(deps.log, (report) => {
    deps.recentErrors.note(report)
    if (!isExpected(report.error)) reporter?.report(report)
  })
  return { log, reporter }
}
