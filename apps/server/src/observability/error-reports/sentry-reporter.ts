import { hostname } from 'node:os'

import { atMost, type Timers } from '../../kernel/clock.js'
import type { ErrorReport, ErrorReporter } from '../../kernel/error-reporter.port.js'
import type { RareLog } from '../../kernel/rare-log.js'
import { ReportLimits } from './report-limits.js'
import { eventOf, unwrapped } from './sentry-event.js'
import { postEnvelope } from './sentry-transport.js'

/** Reports under way at once; what comes on top is left out. */
const MOST_UNDER_WAY = 10
const STOP_WITHIN_MS = 2_000

export interface SentryReporterOptions {
  dsn: string
  /** The server's version. */
  release: string
  environment: string
  /** What is known of whatever runs at this moment. */
  context: () => Record<string, unknown>
  clock: Pick<Timers, 'monotonicMs'>
  log: RareLog
}

/** What an error is told from others by: its kind and where it was thrown, not its words, which may name an id. */
const kindOf = (error: unknown): string => {
  if (!(error instanceof Error)) return `thrown ${String(error).slice(0, 100)}`
  const place = /^\s+at .*$/m.exec(error.stack ?? '')?.[0]
  return `${error.name} ${place ?? error.message.slice(0, 100)}`
}

/**
 * Loaded only where errors are reported: it takes a third of the start of a server. Of the library only the client is
 * used; it hooks into nothing and looks at nothing by itself.
 */
const openClient = async (
  { dsn, release, environment }: SentryReporterOptions,
  post: Pick<Parameters<typeof postEnvelope>[0], 'ended' | 'onTrouble'>,
) => {
  const { createStackParser, createTransport } = await import('@sentry/core')
  const { nodeStackLineParser, ServerRuntimeClient } = await import('@sentry/core/server')
  const stackParser = createStackParser(nodeStackLineParser())
  const client = new ServerRuntimeClient({
    ...{ dsn, release, environment, stackParser, serverName: hostname(), platform: 'node' },
    runtime: { name: 'node', version: process.version },
    integrations: [],
    traceLifecycle: 'static',
    sendClientReports: false,
    transportOptions: { bufferSize: MOST_UNDER_WAY, recordDroppedEvent: () => undefined },
    transport: ({ url, headers = {}, ...options }) =>
      createTransport({ ...options, bufferSize: MOST_UNDER_WAY }, postEnvelope({ url, headers, ...post })),
  })
  return { client, stackParser }
}

/** Errors in the form of Sentry's envelopes, to Sentry or whatever else takes them. */
export class SentryReporter implements ErrorReporter {
  private readonly limits: ReportLimits
  private readonly ended = new AbortController()
  private readonly opened: ReturnType<typeof openClient>
  private stopping: Promise<void> | null = null

  constructor(private readonly options: SentryReporterOptions) {
    this.limits = new ReportLimits(options.clock)
    const onTrouble = (about: object) => options.log.warn(about, 'an error could not be reported')
    this.opened = openClient(options, { ended: this.ended.signal, onTrouble })
    this.opened.catch((err: unknown) => options.log.warn({ err }, 'errors cannot be reported'))
  }

  report(report: ErrorReport): void {
    if (this.stopping !== null) return
    try {
      const leftOut = this.limits.admit(kindOf(unwrapped(report.error)))
      if (leftOut === null) return
      const fields = { ...this.options.context(), ...report.fields, ...(leftOut > 0 && { leftOut }) }
      // A failure to open was told of once.
      this.opened
        .then(({ client, stackParser }) => client.captureEvent(eventOf({ ...report, fields }, stackParser)))
        .catch(this.failed)
    } catch (err) {
      this.failed(err)
    }
  }

  stop(): Promise<void> {
    this.stopping ??= this.sendTheRest()
    return this.stopping
  }

  private async sendTheRest(): Promise<void> {
    await atMost(
      STOP_WITHIN_MS,
      this.opened.then(({ client }) => client.flush(STOP_WITHIN_MS)),
    )
    this.ended.abort()
  }

  private readonly failed = (err: unknown) => this.options.log.warn({ err }, 'an error could not be reported')
}
