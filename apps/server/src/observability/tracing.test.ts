import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import { describe, expect, it } from 'vitest'

import { correlated, correlationOf, inSpan, origin } from '../kernel/correlation.js'
import { GantryError } from '../kernel/errors.js'
import { createTracing, parseTraceparent } from './tracing.js'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'

const openTracing = (ratio: number, random = 0.5) => {
  const exporter = new InMemorySpanExporter()
  const tracing = createTracing({
    ...{ exporter, ratio, random: () => random, processor: () => new SimpleSpanProcessor({ exporter }) },
    resource: { service: 'gantry', version: '0.0.0', instanceId: 'ins_1' },
  })
  return { tracing, spans: () => exporter.getFinishedSpans() }
}

describe('whether a request is traced', () => {
  it.each([
    { said: 'that it is', traceparent: `00-${TRACE}-${SPAN}-01`, ratio: 0, traced: true },
    { said: 'that it is not', traceparent: `00-${TRACE}-${SPAN}-00`, ratio: 1, traced: false },
    { said: 'nothing', traceparent: null, ratio: 0.6, traced: true },
    { said: 'nothing', traceparent: null, ratio: 0.4, traced: false },
    { said: 'what cannot be read', traceparent: 'hunter2', ratio: 0.4, traced: false },
  ])('is $traced where the caller said $said and the share is $ratio', ({ traceparent, ratio, traced }) => {
    const { tracing } = openTracing(ratio)
    expect(tracing.begin('GET', 'server', traceparent) !== null).toBe(traced)
  })

  it.each([
    ['the form of a later version is read as far as it is known', `01-${TRACE}-${SPAN}-03-more`, true],
    ['a version that is none', `ff-${TRACE}-${SPAN}-01`, false],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`, false],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, false],
    ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`, false],
    ['something behind it', `00-${TRACE}-${SPAN}-01x`, false],
  ])('%s', (_what, text, isRead) => {
    expect(parseTraceparent(text) !== null).toBe(isRead)
  })
})

describe('a trace', () => {
  it("goes on with the caller's, and each piece of work below the one that it is a part of", async () => {
    const { tracing, spans } = openTracing(0)
    const root = tracing.begin('GET', 'server', `00-${TRACE}-${SPAN}-01`)
    await correlated(correlationOf({ requestId: 'r1' }, root), async () => {
      await inSpan('outer', 'internal', {}, () => inSpan('inner', 'client', { 'db.system.name': 'postgresql' }, tell))
      expect(origin()).toEqual({ requestId: 'r1', traceparent: root?.traceparent })
    })
    root?.end()
    const [inner, outer, request] = spans()
    expect([inner, outer, request].map((span) => span?.name)).toEqual(['inner', 'outer', 'GET'])
    expect(request?.spanContext().traceId).toBe(TRACE)
    expect(request?.parentSpanContext?.spanId).toBe(SPAN)
    expect(outer?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId)
    expect(told).toBe(`00-${TRACE}-${inner?.spanContext().spanId}-01`)
  })

  it('tells of an error its code and nothing that it says', async () => {
    const { tracing, spans } = openTracing(1)
    const failing = () => Promise.reject(new GantryError('UNAVAILABLE', { detail: 'postgres://root:hunter2@db' }))
    const root = tracing.begin('GET', 'server', null)
    await correlated(correlationOf({}, root), () => expect(inSpan('sql', 'client', {}, failing)).rejects.toThrow())
    expect(spans()).toMatchObject([{ status: { code: 2 }, attributes: { 'error.type': 'UNAVAILABLE' } }])
    expect(JSON.stringify(spans().map(({ attributes, events, status }) => [attributes, events, status]))).not.toContain(
      'hunter2',
    )
  })

  it('is not made where nothing is traced', async () => {
    const { spans } = openTracing(1)
    await correlated(correlationOf({ requestId: 'r2' }), () => inSpan('work', 'internal', {}, tell))
    expect(told).toBeUndefined()
    expect(origin()).toBeNull()
    expect(spans()).toEqual([])
  })
})

let told: string | undefined
const tell = () => {
  told = origin()?.traceparent
  return Promise.resolve()
}
