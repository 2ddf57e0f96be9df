export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

/** Names as OpenTelemetry's conventions have them. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>

/** One piece of work on a trace. */
export interface Span {
  /** W3C `traceparent`, for whoever goes on with the trace elsewhere. */
  readonly traceparent: string
  readonly traceId: string
  child(name: string, kind: SpanKind, attributes?: SpanAttributes): Span
  rename(name: string): void
  set(attributes: SpanAttributes): void
  /** @param error what the work ended with; nothing when it went well */
  end(error?: unknown): void
}

export interface Tracer {
  /**
   * Begins what no span of this process began.
   * @param traceparent of the span that it belongs to, as it was sent; null when nobody sent one
   * @returns null when it is not sampled, before anything is made
   */
  begin(name: string, kind: SpanKind, traceparent: string | null): Span | null
}

/** Where nothing is traced. */
export const NO_TRACER: Tracer = { begin: () => null }
