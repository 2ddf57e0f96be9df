import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

interface WireValue {
  stringValue?: string
  intValue?: number
  boolValue?: boolean
}

interface WireSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  attributes: { key: string; value: WireValue }[]
  status: { code?: number }
}

interface WireTraces {
  resourceSpans: { scopeSpans: { spans: WireSpan[] }[] }[]
}

export interface CollectedSpan {
  traceId: string
  spanId: string
  parentSpanId: string | null
  name: string
  attributes: Record<string, string | number | boolean | undefined>
  failed: boolean
}

export interface TraceCollector extends AsyncDisposable {
  url: string
  /** In the order in which they arrived; a parent mostly comes after its children. */
  spans: CollectedSpan[]
  /** Headers of the last batch. */
  headers: Record<string, unknown>
}

const ERROR = 2

const collected = ({ traceId, spanId, parentSpanId, name, attributes, status }: WireSpan): CollectedSpan => ({
  ...{ traceId, spanId, name, failed: status.code === ERROR },
  parentSpanId: parentSpanId === undefined || parentSpanId === '' ? null : parentSpanId,
  attributes: Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? value.boolValue]),
  ),
})

/** Takes traces as an OpenTelemetry collector does, by OTLP over HTTP in JSON. */
export const startTraceCollector = async (): Promise<TraceCollector> => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as WireTraces
      collector.headers = request.headers
      for (const { scopeSpans } of resourceSpans)
        for (const { spans } of scopeSpans) collector.spans.push(...spans.map(collected))
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}')
    })
  })
  const collector: TraceCollector = {
    ...{ url: '', spans: [], headers: {} },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  collector.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return collector
}
