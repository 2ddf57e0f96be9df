import { diag, DiagLogLevel, type DiagLogger } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'

import type { Config } from '../config/config.js'
import {
  NO_TRACER,
  RareLog,
  uncorrelated,
  type Clock,
  type Lifecycle,
  type Logger,
  type Tracer,
} from '../kernel/index.js'
import { createTracing } from '../observability/tracing.js'
import { GANTRY_VERSION } from './installation.js'

export interface OpenTracingOptions {
  config: Config['tracing']
  instanceId: string
  clock: Clock
  log: Logger
  lifecycle: Lifecycle
}

/** For one batch of spans. */
const EXPORT_MS = 5_000
const STOP_CAP_MS = 3_000

/** Traces to the collector of the configuration; one that does not answer is a warning now and then, and no more. */
export const openTracing = ({ config, instanceId, clock, log, lifecycle }: OpenTracingOptions): Tracer => {
  if (config === null) return NO_TRACER
  diag.setLogger(warningsTo(new RareLog(log, clock)), DiagLogLevel.WARN)
  const { endpoint, headers, service, ratio } = config
  const tracing = createTracing({
    exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers, timeoutMillis: EXPORT_MS }),
    ratio,
    resource: { service, version: GANTRY_VERSION, instanceId },
  })
  lifecycle.onStop('traces', () => tracing.stop(), STOP_CAP_MS)
  return tracing
}

const messageIn = (text: string): string => {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? message : text
  } catch {
    return text
  }
}

const warningsTo = (log: RareLog): DiagLogger => {
  // Told within whatever request comes by; and errors come as JSON with their stack.
  const tell = (message: string) =>
    uncorrelated(() => log.warn({ detail: messageIn(message) }, 'traces do not reach their collector'))
  const nothing = () => undefined
  return { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing }
}
