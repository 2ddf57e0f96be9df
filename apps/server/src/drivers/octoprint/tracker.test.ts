import { describe, expect, it } from 'vitest'

import { evidenceFor } from './evidence.js'
import { OctoPrintTracker } from './tracker.js'
import { fileMessage, frameMessage, jobMessage, printerMessage, type StatusPayload } from './wire.js'

const frame = (path: string, completion: number | null, flags = ['printing'], temps: unknown[] = []): StatusPayload => {
  const current = {
    state: { text: 'text', flags: Object.fromEntries(flags.map((name) => [name, true])) },
    job: { file: { path, origin: 'local' } },
    progress: { completion },
    temps,
  }
  return frameMessage.parse({ current }).current ?? expect.fail('the frame does not parse')
}

const event = (type: string, payload: Record<string, unknown>) =>
  frameMessage.parse({ event: { type, payload: { origin: 'local', ...payload } } }).event ?? expect.fail('no event')

describe('what is remembered between two messages', () => {
  it('keeps the last temperatures when a frame brings none, and forgets them when the printer goes', () => {
    const tracker = new OctoPrintTracker()
    const heaters = (status: StatusPayload) => tracker.push(status).heaters.map(({ heater }) => heater)
    const warm = { time: 1, tool0: { actual: 200, target: 210 } }
    expect(heaters(frame('a', 1, ['printing'], [warm]))).toEqual(['tool0'])
    expect(heaters(frame('a', 1, ['printing'], []))).toEqual(['tool0'])
    expect(heaters(frame('a', 1, ['printing'], [{ time: 2 }]))).toEqual(['tool0'])
    expect(heaters(frame('a', 1, ['closedOrError']))).toEqual([])
    expect(heaters(frame('a', 1, ['operational']))).toEqual([])
  })

  it('never lets progress fall within one job, and starts anew with the next', () => {
    const tracker = new OctoPrintTracker()
    const progress = (status: StatusPayload) => tracker.push(status).job?.progress
    expect(progress(frame('a', 40))).toBe(0.4)
    expect(progress(frame('a', 30))).toBe(0.4)
    expect(progress(frame('a', 50))).toBe(0.5)
    expect(progress(frame('b', 1))).toBe(0.01)
    tracker.push(frame('b', 100, ['operational']))
    tracker.event(event('PrintStarted', { path: 'b' }))
    expect(progress(frame('b', 2))).toBe(0.02)
  })

  it('tells a cancelled print once, whichever of its two events comes first', () => {
    const cancelled = event('PrintCancelled', { path: 'a', time: 12 })
    const failed = event('PrintFailed', { path: 'a', time: 12, reason: 'cancelled' })
    for (const [first, second] of [
      [cancelled, failed],
      [failed, cancelled],
    ] as const) {
      const tracker = new OctoPrintTracker()
      expect(tracker.event(first)).toMatchObject({ type: 'printEnded', outcome: 'cancelled', printSeconds: 12 })
      expect(tracker.event(second)).toBeNull()
    }
  })

  it('tells the end of a second print of the same file', () => {
    const tracker = new OctoPrintTracker()
    const start = event('PrintStarted', { path: 'a' })
    const done = event('PrintDone', { path: 'a', time: 3 })
    expect([start, done, start, done].map((one) => tracker.event(one)?.type)).toEqual([
      'printStarted',
      'printEnded',
      'printStarted',
      'printEnded',
    ])
  })

  it('tells a failure with its reason and passes other events over', () => {
    const tracker = new OctoPrintTracker()
    const failed = tracker.event(event('PrintFailed', { path: 'a', reason: 'error' }))
    expect(failed).toMatchObject({ outcome: 'failed', detail: 'error', printSeconds: null })
    expect(tracker.event(event('ZChange', { new: 1 }))).toBeNull()
    expect(tracker.event(event('FileSelected', { path: 'a', reason: 'cancelled' }))).toBeNull()
    expect(tracker.event(event('PrintDone', { path: null }))).toBeNull()
  })
})

describe('evidence of a print', () => {
  const observe = (flags: string[], path: string | null, completion: number | null = null) => {
    const { state, temperature } = printerMessage.parse({
      state: { text: 'text', flags: Object.fromEntries(flags.map((name) => [name, true])) },
    })
    const { job, progress } = jobMessage.parse({ job: { file: { path, origin: 'local' } }, progress: { completion } })
    return { state, temperatures: temperature, job, progress }
  }
  const file = (prints?: unknown) => fileMessage.parse({ path: 'a', prints })
  const idle = observe(['operational'], null)

  it.each([
    [
      'the job names it',
      { observation: observe(['printing'], 'a'), file: file(), told: undefined },
      { kind: 'active' },
    ],
    [
      'it is paused',
      { observation: observe(['paused'], 'a'), file: file({ last: { success: true } }), told: undefined },
      { kind: 'active' },
    ],
    [
      'its record says success',
      { observation: idle, file: file({ last: { success: true, printTime: 7 } }), told: undefined },
      { kind: 'ended', outcome: 'completed', printSeconds: 7 },
    ],
    [
      'its record says failure',
      { observation: idle, file: file({ last: { success: false } }), told: undefined },
      { kind: 'ended', outcome: 'failed' },
    ],
    [
      'its record says failure and the host told of a cancellation',
      { observation: idle, file: file({ last: { success: false } }), told: { outcome: 'cancelled', printSeconds: 3 } },
      { kind: 'ended', outcome: 'cancelled', printSeconds: 3 },
    ],
    [
      'it is shown at 100 % without a record',
      { observation: observe(['operational'], 'a', 100), file: null, told: undefined },
      { kind: 'ended', outcome: 'completed' },
    ],
    [
      'it is only selected',
      { observation: observe(['operational'], 'a'), file: file(), told: undefined },
      { kind: 'touched' },
    ],
    [
      'another is printed',
      { observation: observe(['printing'], 'b'), file: file(), told: undefined },
      { kind: 'none' },
    ],
    ['nothing names it', { observation: idle, file: null, told: undefined }, { kind: 'none' }],
  ] as const)('when %s', (_name, sources, evidence) => {
    expect(evidenceFor('a', sources)).toMatchObject(evidence)
  })
})
