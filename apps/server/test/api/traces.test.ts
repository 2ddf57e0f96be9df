import { createGantryClient } from '@gantry/client'
import { createFleet } from '@gantry/virtual-printers'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { expect, it } from 'vitest'

import { PASSWORD, startAppUnderTest, uploaded } from '../../src/testing/app-under-test.js'
import { startTraceCollector, type CollectedSpan, type TraceCollector } from '../../src/testing/trace-collector.js'
import { zigzagGcode } from '../../src/testing/tiny-gcode.js'

const SOON = { timeout: 30_000, interval: 100 }

/** The names from a span up to the one that has no parent here, which is last. */
const chain = (spans: readonly CollectedSpan[], name: string): string[] => {
  const names: string[] = []
  let span = spans.find((candidate) => candidate.name === name)
  while (span !== undefined) {
    names.push(span.name)
    const { parentSpanId } = span
    span = spans.find(({ spanId }) => spanId === parentSpanId)
  }
  return names
}

const of = ({ spans }: TraceCollector, traceId: string) => spans.filter((span) => span.traceId === traceId)

it('one order is followed from the call of the SDK over HTTP, SQL, queue and dispatcher to the printer host', async () => {
  await using collector = await startTraceCollector()
  const virtual = await createFleet({ octoprint: 1, speed: 20_000, requireApiKey: true })
  await using app = await startAppUnderTest({
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: '0' },
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=lab',
  })
  const { url, apiKey } = virtual.printers[0]!
  const { id: printerId } = await app.admin.trpc.printers.create.mutate({
    ...{ name: 'P1', kind: 'octoprint', url, apiKey, nozzleDiameterMm: 0.4 },
    ...{ buildVolume: { xMm: 250, yMm: 210, zMm: 210 }, materials: [{ slot: 0, material: 'PLA', colorHex: null }] },
  })
  await app.admin.trpc.printers.clearBed.mutate({ id: printerId })
  const { id: fileId } = await uploaded(app.admin, 'token.gcode', zigzagGcode(200))

  const sent = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: sent })] })
  const gantry = createGantryClient({ url: app.url, tracer: provider.getTracer('a page') })
  await gantry.auth.login('admin@example.org', PASSWORD)
  const job = await gantry.printJobs.submit({ source: { fileId, copies: 1 } })
  const [call] = sent.getFinishedSpans().filter(({ name }) => name === 'gantry printJobs.submit')
  const { traceId, spanId } = call!.spanContext()

  const ours = () => of(collector, traceId)
  await expect.poll(() => ours().map(({ name }) => name), SOON).toContain('attempt')
  await virtual.stop()
  const spans = ours()
  const names = spans.map(({ name }) => name)
  expect(chain(spans, 'printJobs.submit')).toEqual(['printJobs.submit', 'POST /trpc/*'])
  expect(spans.find(({ name }) => name === 'POST /trpc/*')).toMatchObject({
    parentSpanId: spanId,
    attributes: { 'http.response.status_code': 200, 'http.route': '/trpc/*' },
  })
  expect(chain(spans, 'PrintJob.create')).toEqual(['PrintJob.create', 'printJobs.submit', 'POST /trpc/*'])
  expect(names).toContain('job DISPATCH_WAKE')
  expect(chain(spans, 'octoprint upload')).toEqual(['octoprint upload', 'attempt', 'printJobs.submit', 'POST /trpc/*'])
  expect(chain(spans, 'octoprint start').slice(0, 2)).toEqual(['octoprint start', 'attempt'])
  expect(spans.find(({ name }) => name === 'attempt')?.attributes).toMatchObject({
    ...{ 'gantry.print_job.id': job.id, 'gantry.printer.id': printerId },
  })
  // What nobody asked to be traced is not: the uploads, the log-in, the server's own loops.
  expect(collector.spans.length).toBe(spans.length)
  expect(collector.headers).toMatchObject({ 'x-tenant': 'lab' })
  const { requestId } = JSON.parse(app.logLines.find((line) => line.includes(traceId)) ?? '{}') as { requestId: string }
  const kept = await app.prisma.printJob.findUniqueOrThrow({ where: { id: job.id } })
  expect(kept.origin).toEqual({ requestId, traceparent: expect.stringContaining(traceId) as unknown })
  const traced = app.logLines.filter((line) => line.includes(traceId))
  expect(traced.some((line) => line.includes('"msg":"request"'))).toBe(true)
})
