import type { Config } from '../config/config.js'
import {
  correlation,
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
import { ReportingLogger } from '../observability/reporting-logger.js'
import { GANTRY_VERSION } from './installation.js'

export interface ErrorReportsDeps {
  config: Pick<Config, 'errorReports'>
  clock: Timers
  log: Logger
}

/** Of printers and of other people's servers; they say nothing about our code. */
const EXPECTED = [DriverError, NetError, JobRefused]

const isExpected = (error: unknown): boolean =>
  error instanceof GantryError ? error.code !== 'INTERNAL' : EXPECTED.some((kind) => error instanceof kind)

const context = (): Record<string, unknown> => {
  const current = correlation()
  if (current === undefined) return {}
  return current.span === null ? { ...current.fields } : { ...current.fields, traceId: current.span.traceId }
}

/** The log that everybody gets: with a `SENTRY_DSN`, unexpected errors that are logged are reported as well. */
export const openErrorReports = ({ config, clock, log }: ErrorReportsDeps) => {
  const { dsn, environment } = config.errorReports
  if (dsn === null) return { log, reporter: null }
  const reporter: ErrorReporter = new SentryReporter({
    ...{ dsn, environment, release: `gantry@${GANTRY_VERSION}`, clock },
    context,
    log: new RareLog(log, clock),
  })
  return { log: new ReportingLogger(log, { reporter, isExpected }), reporter }
}
