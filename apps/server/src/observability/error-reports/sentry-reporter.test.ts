import { describe, expect, it, vi } from 'vitest'

import { GantryError } from '../../kernel/errors.js'
import { RareLog } from '../../kernel/rare-log.js'
import { ManualClock } from '../../testing/manual-clock.js'
import { closedPort, startBlackHole } from '../../testing/odd-servers.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { startReportSink, type ReportSink } from '../../testing/report-sink.js'
import { SentryReporter } from './sentry-reporter.js'

const reporterTo = (dsn: string, context: () => Record<string, unknown> = () => ({})) => {
  const clock = new ManualClock()
  const log = recordingLogger()
  const release = { release: 'gantry@1.2.3', environment: 'workshop' }
  const reporter = new SentryReporter({ dsn, ...release, context, clock, log: new RareLog(log, clock) })
  const report = (error: unknown, fields: Record<string, unknown> = {}) =>
    reporter.report({ error, message: 'call failed', fields })
  return { reporter, report, clock, log }
}

const arrived = (sink: ReportSink, count: number) => vi.waitUntil(() => sink.envelopes.length >= count)

const thrownIn = (name: string) => Object.defineProperty(new Error(`in ${name}`), 'name', { value: name })

describe('an error that nobody expected', () => {
  it('arrives as an envelope with its stack, its causes, the request and the release', async () => {
    await using sink = await startReportSink()
    const { reporter, report } = reporterTo(sink.dsn, () => ({
      ...{
        requestId: 'r1',
        userId: 'usr_1',
        userRole: 'admin',
        sessionId: 'ses_1',
        userAgent: 'curl/8',
        ip: '10.0.0.9',
      },
      ...{ url: '/trpc/printers.list', method: 'GET' },
    }))
    const cause = new TypeError('x is not a function')
    report(new Error('no list', { cause }), { procedure: 'printers.list', tried: 3 })
    await reporter.stop()

    expect(sink.envelopes).toHaveLength(1)
    const envelope = sink.envelopes[0]!
    expect(envelope.url).toMatch(/^\/api\/7\/envelope\/\?.*sentry_key=thekey/)
    expect(envelope.contentType).toBe('application/x-sentry-envelope')
    expect(envelope.items).toHaveLength(1)
    const [{ header, event }] = envelope.items as [(typeof envelope.items)[number]]
    expect(header).toMatchObject({ type: 'event' })
    expect(envelope.header).toMatchObject({ event_id: event.event_id, sent_at: expect.any(String) as string })
    expect(event).toMatchObject({
      level: 'error',
      message: 'call failed',
      platform: 'node',
      release: 'gantry@1.2.3',
      environment: 'workshop',
      transaction: 'printers.list',
      tags: { requestId: 'r1', procedure: 'printers.list', userRole: 'admin' },
      user: { id: 'usr_1', ip_address: '10.0.0.9', role: 'admin', session: 'ses_1' },
      request: { url: '/trpc/printers.list', method: 'GET', headers: { 'User-Agent': 'curl/8' } },
      extra: { tried: 3 },
    })
    const values = event.exception?.values ?? []
    expect(values.map(({ type, value }) => [type, value])).toEqual([
      ['TypeError', 'x is not a function'],
      ['Error', 'no list'],
    ])
    const frames = values[1]?.stacktrace?.frames ?? []
    expect(frames.at(-1)?.filename).toContain('sentry-reporter.test.ts')
    expect(frames.at(-1)?.lineno).toBeGreaterThan(0)
  })

  it('comes without the wrapping that the closed table put around it', async () => {
    await using sink = await startReportSink()
    const { reporter, report } = reporterTo(sink.dsn)
    report(new GantryError('INTERNAL', { detail: 'boom', cause: new RangeError('boom') }))
    await reporter.stop()
    expect(sink.events()[0]?.exception?.values?.map(({ type }) => type)).toEqual(['RangeError'])
  })

  it.each([
    ['a text', 'boom', 'thrown string', 'boom'],
    ['nothing', undefined, 'thrown undefined', 'undefined'],
    ['an object', { a: 1 }, 'thrown object', '[object Object]'],
  ])('may be %s', async (_what, thrown, type, value) => {
    await using sink = await startReportSink()
    const { reporter, report } = reporterTo(sink.dsn)
    report(thrown)
    await reporter.stop()
    expect(sink.events()[0]?.exception?.values).toMatchObject([{ type, value }])
  })

  it('that comes a thousand times is sent once a minute, with how often it came', async () => {
    await using sink = await startReportSink()
    const { reporter, report, clock } = reporterTo(sink.dsn)
    const loop = (times: number) => {
      for (let n = 0; n < times; n += 1) report(new Error(`no printer ${n}`))
    }
    loop(1_000)
    await arrived(sink, 1)
    await clock.advance(60_000)
    loop(1_000)
    await reporter.stop()
    expect(sink.events().map(({ extra }) => extra)).toEqual([{}, { leftOut: 999 }])
  })

  it('of a hundred kinds at once is sent for some of them alone', async () => {
    await using sink = await startReportSink()
    const { reporter, report } = reporterTo(sink.dsn)
    for (let n = 0; n < 100; n += 1) report(thrownIn(`Kind${n}`))
    await reporter.stop()
    // Twenty a minute, of which ten may be under way at once.
    expect(sink.envelopes.length).toBeGreaterThan(0)
    expect(sink.envelopes.length).toBeLessThanOrEqual(20)
  })
})

describe('a receiver of errors', () => {
  it('that wants us to wait is left alone until then', async () => {
    await using sink = await startReportSink(429, { 'Retry-After': '120' })
    const { reporter, report, log } = reporterTo(sink.dsn)
    report(thrownIn('First'))
    await arrived(sink, 1)
    await vi.waitUntil(() => log.lines.length > 0)
    report(thrownIn('Second'))
    await reporter.stop()
    expect(sink.envelopes).toHaveLength(1)
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { status: 429 } }])
  })

  it('that fails is warned of once in a while, and the next error is tried all the same', async () => {
    await using sink = await startReportSink(500)
    const { reporter, report, log } = reporterTo(sink.dsn)
    for (const name of ['First', 'Second', 'Third']) report(thrownIn(name))
    await reporter.stop()
    expect(sink.envelopes).toHaveLength(3)
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { status: 500 } }])
  })

  it('that takes the connection and says nothing holds nobody up: not the caller, and a stop for two seconds', async () => {
    await using hole = await startBlackHole()
    const { reporter, report } = reporterTo(`http://thekey@${new URL(hole.url).host}/7`)
    for (let n = 0; n < 30; n += 1) report(thrownIn(`Kind${n}`))
    const began = performance.now()
    await reporter.stop()
    expect(performance.now() - began).toBeGreaterThan(1_500)
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(() => report(new Error('after the end'))).not.toThrow()
  })

  it('that is not there is warned of', async () => {
    const { reporter, report, log } = reporterTo(`http://thekey@${new URL(await closedPort()).host}/7`)
    report(new Error('boom'))
    await reporter.stop()
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'an error could not be reported' }])
  })

  it('is asked nothing when nothing was reported', async () => {
    await using sink = await startReportSink()
    await reporterTo(sink.dsn).reporter.stop()
    expect(sink.envelopes).toEqual([])
  })

  it('is not bothered with what cannot even be read', async () => {
    await using sink = await startReportSink()
    const { reporter, report, log } = reporterTo(sink.dsn)
    const odd = new Error('odd')
    Object.defineProperty(odd, 'stack', {
      get: () => {
        throw new Error('no stack for you')
      },
    })
    expect(() => report(odd)).not.toThrow()
    await reporter.stop()
    expect(sink.envelopes).toEqual([])
    expect(log.lines).toMatchObject([{ level: 'warn', message: 'an error could not be reported' }])
  })
})
