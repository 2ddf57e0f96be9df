import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { HostReport, HostState } from '../modules/printers/printer-driver.port.js'
import { createReportThrottle } from './report-throttle.js'

const report = (progress: number, state: HostState = 'printing'): HostReport => ({
  observed: state,
  state,
  printerConnected: true,
  busyDetail: null,
  attention: null,
  heaters: [],
  job: {
    remotePath: 'a.gcode',
    hostJobRef: null,
    progress,
    elapsedSeconds: null,
    remainingSeconds: null,
    layer: null,
    layerCount: null,
    filamentUsedMm: null,
  },
})

describe('the report throttle', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const throttled = () => {
    const sent: [HostState, number][] = []
    const throttle = createReportThrottle(({ state, job }) => sent.push([state, job?.progress ?? -1]), 1000)
    return { sent, throttle }
  }

  it('sends the first at once and then the latest once per interval', () => {
    const { sent, throttle } = throttled()
    for (let step = 0; step < 10; step++) {
      throttle.push(report(step))
      vi.advanceTimersByTime(250)
    }
    expect(sent.map(([, progress]) => progress)).toEqual([0, 3, 7])
  })

  it('sends a change of state at once, and not the old state after it', () => {
    const { sent, throttle } = throttled()
    throttle.push(report(1))
    throttle.push(report(2))
    throttle.push(report(2, 'paused'))
    vi.advanceTimersByTime(5000)
    expect(sent).toEqual([
      ['printing', 1],
      ['paused', 2],
    ])
  })

  it('sends nothing once stopped, and at once after a silence', () => {
    const { sent, throttle } = throttled()
    throttle.push(report(1))
    vi.advanceTimersByTime(1500)
    throttle.push(report(2))
    throttle.push(report(3))
    throttle.stop()
    vi.advanceTimersByTime(5000)
    expect(sent.map(([, progress]) => progress)).toEqual([1, 2])
  })
})
