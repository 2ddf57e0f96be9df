import { ROOT_CONTEXT, SpanKind as OtelKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Context, Span as OtelSpan, SpanContext, Tracer as OtelTracer } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace'

import { atMost } from '../kernel/clock.js'
import type { Stoppable } from '../kernel/lifecycle.js'
import { GantryError } from '../kernel/errors.js'
import type { Random } from '../kernel/random.js'
import type { Span, SpanAttributes, SpanKind, Tracer } from '../kernel/spans.port.js'

export interface TracingOptions {
  exporter: SpanExporter
  /** Of what nobody upstream has decided, this share is traced, 0 to 1. */
  ratio: number
  resource: { service: string; version: string; instanceId: string }
  random?: Random
  /** @default spans leave in batches every two seconds; more than 4,096 that wait are dropped */
  processor?: (exporter: SpanExporter) => SpanProcessor
}

const KINDS: Readonly<Record<SpanKind, OtelKind>> = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
}

const LIMITS = { attributeValueLengthLimit: 500, attributeCountLimit: 32, eventCountLimit: 16, linkCountLimit: 16 }

/** How long a stop waits for the last spans to leave. */
const FLUSH_MS = 2_000

const inBatches = (exporter: SpanExporter): SpanProcessor =>
  new BatchSpanProcessor({
    exporter,
    ...{ scheduledDelayMillis: 2_000, exportTimeoutMillis: 5_000, maxQueueSize: 4_096, maxExportBatchSize: 512 },
  })

/** The flag of W3C's `traceparent`. */
const SAMPLED = 1

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)/

/** The span that somebody else began; null for what is no `traceparent`. */
export const parseTraceparent = (text: string | null): SpanContext | null => {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return null
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & SAMPLED, isRemote: true }
}

const isSampled = ({ traceFlags }: SpanContext): boolean => (traceFlags & SAMPLED) !== 0

/** What of an error a trace tells: its kind. Messages may hold anything. */
const kindOf = (error: unknown): string => {
  if (error instanceof GantryError) return error.code
  return error instanceof Error ? error.name : typeof error
}

class TracedSpan implements Span {
  constructor(
    private readonly tracer: OtelTracer,
    private readonly span: OtelSpan,
    private readonly parent: Context,
  ) {}

  get traceId(): string {
    return this.span.spanContext().traceId
  }

  get traceparent(): string {
    const { traceId, spanId } = this.span.spanContext()
    return `00-${traceId}-${spanId}-01`
  }

  child(name: string, kind: SpanKind, attributes: SpanAttributes = {}): Span {
    const parent = trace.setSpan(this.parent, this.span)
    return new TracedSpan(this.tracer, this.tracer.startSpan(name, { kind: KINDS[kind], attributes }, parent), parent)
  }

  rename(name: string): void {
    this.span.updateName(name)
  }

  set(attributes: SpanAttributes): void {
    for (const [name, value] of Object.entries(attributes)) if (value !== undefined) this.span.setAttribute(name, value)
  }

  end(error?: unknown): void {
    if (error !== undefined) {
      this.span.setAttribute('error.type', kindOf(error))
      this.span.setStatus({ code: SpanStatusCode.ERROR })
    }
    this.span.end()
  }
}

/** OpenTelemetry without its hooks: whether a trace is made is decided before anything of it is. */
class OpenTelemetryTracer implements Tracer, Stoppable {
  private readonly provider: TracerProvider
  private readonly tracer: OtelTracer
  private readonly random: Random

  constructor(private readonly options: TracingOptions) {
    const { exporter, processor = inBatches, resource, random = Math.random } = options
    this.random = random
    this.provider = new TracerProvider({
      spanProcessors: [processor(exporter)],
      spanLimits: LIMITS,
      resource: resourceFromAttributes({
        'service.name': resource.service,
        'service.version': resource.version,
        'service.instance.id': resource.instanceId,
      }),
    })
    this.tracer = this.provider.getTracer('gantry', resource.version)
  }

  begin(name: string, kind: SpanKind, traceparent: string | null): Span | null {
    const remote = traceparent === null ? null : parseTraceparent(traceparent)
    const isTraced = remote === null ? this.random() < this.options.ratio : isSampled(remote)
    if (!isTraced) return null
    const parent = remote === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote)
    return new TracedSpan(this.tracer, this.tracer.startSpan(name, { kind: KINDS[kind] }, parent), parent)
  }

  /** What still waits is sent, as far as that is soon done. */
  async stop(): Promise<void> {
    await atMost(FLUSH_MS, this.provider.shutdown()).catch(() => undefined)
  }
}

export const createTracing = (options: TracingOptions): Tracer & Stoppable => new OpenTelemetryTracer(options)
