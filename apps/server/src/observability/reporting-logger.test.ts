import { describe, expect, it } from 'vitest'

import type { ErrorReport } from '../kernel/error-reporter.port.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { ReportingLogger } from './reporting-logger.js'

const setUp = () => {
  const reports: ErrorReport[] = []
  const lines = recordingLogger()
  const log = new ReportingLogger(lines, (report) => void reports.push(report))
  return { log, lines: lines.lines, reports }
}

describe('a log that reports', () => {
  it('reports an error with the line about it and with what its parents know', () => {
    const { log, lines, reports } = setUp()
    const err = new Error('boom')
    log.child({ requestId: 'r1' }).child({ procedure: 'a.b' }).error({ err, tried: 2 }, 'call failed')
    const fields = { requestId: 'r1', procedure: 'a.b', tried: 2 }
    expect(reports).toEqual([{ error: err, message: 'call failed', fields, fatal: false }])
    expect(lines).toMatchObject([{ level: 'error', fields: { ...fields, err }, message: 'call failed' }])
  })

  it('says of a fatal one that it is', () => {
    const { log, reports } = setUp()
    log.error({ err: new Error('boom'), fatal: true }, 'the end')
    expect(reports).toMatchObject([{ fatal: true }])
  })

  it('reports a line without an error as such, and nothing that is no more than a warning', () => {
    const { log, lines, reports } = setUp()
    log.error({ queue: 'a' }, 'events are lost')
    for (const level of ['debug', 'info', 'warn'] as const) log[level]({ err: new Error('boom') }, 'well')
    expect(reports).toEqual([{ error: undefined, message: 'events are lost', fields: { queue: 'a' }, fatal: false }])
    expect(lines).toHaveLength(4)
  })
})
