/** What of an OpenTelemetry `Tracer` the client needs; `trace.getTracer('my-app')` fits. */
export interface TracerLike {
  startSpan(name: string, options?: { kind?: number; attributes?: Record<string, string> }): SpanLike
}

export interface SpanLike {
  spanContext(): { traceId: string; spanId: string; traceFlags: number }
  setStatus(status: { code: number }): unknown
  setAttribute(name: string, value: string): unknown
  end(): void
}

/** OpenTelemetry's numbers. */
const [KIND_CLIENT, STATUS_ERROR] = [2, 2]

const traceparentOf = (span: SpanLike): string => {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown'

/** Makes a call with a span around all of its tries; `traceparent` lets the server's spans join it. */
export const inCallSpan = async <T>(
  tracer: TracerLike | undefined,
  procedure: string,
  call: (traceparent: string | undefined) => Promise<T>,
): Promise<T> => {
  if (tracer === undefined) return call(undefined)
  const attributes = { 'rpc.system': 'trpc', 'rpc.method': procedure }
  const span = tracer.startSpan(`gantry ${procedure}`, { kind: KIND_CLIENT, attributes })
  try {
    return await call(traceparentOf(span))
  } catch (error) {
    span.setAttribute('error.type', codeOf(error))
    span.setStatus({ code: STATUS_ERROR })
    throw error
  } finally {
    span.end()
  }
}
