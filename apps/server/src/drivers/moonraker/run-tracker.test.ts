import { beforeEach, describe, expect, it } from 'vitest'

import type { DriverEvent } from '../../modules/printers/printer-driver.port.js'

import { RunTracker } from './run-tracker.js'
import { readStatus } from './status.js'
import { historyJob } from './wire.js'

let events: DriverEvent[] = []
let tracker: RunTracker
let totalSeconds = 0

beforeEach(() => {
  events = []
  totalSeconds = 0
  tracker = new RunTracker((event) => events.push(event))
  tracker.adopt(readStatus({ print_stats: { state: 'standby', filename: '' } }), false, null)
})

function stats(state: string, filename = 'a.gcode', total_duration = ++totalSeconds): void {
  const print_stats = { state, filename, total_duration, print_duration: 5, filament_used: 7, message: '' }
  tracker.observe(readStatus({ print_stats }), state === 'printing' || state === 'paused')
}

const job = (status: string, filename = 'a.gcode', job_id = '00000A') => historyJob.parse({ job_id, filename, status })

const told = () => events.map((event) => (event.type === 'printEnded' ? event.outcome : event.type))

describe('what a Moonraker printer is said to have started and ended', () => {
  it('is told once when the printer speaks first', () => {
    stats('printing')
    tracker.historyAdded(job('in_progress'))
    stats('complete')
    tracker.historyFinished(job('completed'))
    stats('complete')
    expect(told()).toEqual(['printStarted', 'completed'])
    expect(events[1]).toMatchObject({ hostJobRef: '00000A', printSeconds: 5, filamentUsedMm: 7 })
  })

  it('is told once when history speaks first', () => {
    stats('standby', 'old.gcode')
    tracker.historyAdded(job('in_progress'))
    stats('standby', 'old.gcode')
    stats('printing')
    tracker.historyFinished(job('cancelled'))
    stats('printing')
    stats('cancelled')
    expect(told()).toEqual(['printStarted', 'cancelled'])
  })

  it.each([
    ['complete', 'completed'],
    ['cancelled', 'cancelled'],
    ['error', 'failed'],
    ['standby', 'cancelled'],
  ])('without any history: %s is %s', (state, outcome) => {
    stats('printing')
    stats(state, state === 'standby' ? '' : 'a.gcode')
    expect(told()).toEqual(['printStarted', outcome])
  })

  it('includes a print that was over before it was seen', () => {
    stats('complete')
    tracker.historyAdded(job('in_progress'))
    tracker.historyFinished(job('completed'))
    expect(told()).toEqual(['printStarted', 'completed'])
  })

  it('includes a second run of the same file', () => {
    stats('printing')
    stats('complete')
    stats('printing', 'a.gcode', 0)
    tracker.historyAdded(job('in_progress'))
    stats('cancelled')
    expect(told()).toEqual(['printStarted', 'completed', 'printStarted', 'cancelled'])
  })

  it('leaves out what was there when the connection began', () => {
    const running = readStatus({ print_stats: { state: 'printing', filename: 'b.gcode', total_duration: 9 } })
    tracker = new RunTracker((event) => events.push(event))
    tracker.adopt(running, true, job('in_progress', 'b.gcode'))
    tracker.observe(running, true)
    expect(told()).toEqual([])
    expect(tracker.factsOf('b.gcode').hostJobRef).toBe('00000A')
    stats('complete', 'b.gcode', 10)
    expect(told()).toEqual(['completed'])
  })

  it('waits for Klippy before it calls a print lost with it', () => {
    stats('printing')
    tracker.historyAdded(job('in_progress'))
    tracker.loseSight()
    tracker.historyFinished(job('klippy_disconnect'))
    expect(told()).toEqual(['printStarted'])
    stats('standby', '')
    expect(told()).toEqual(['printStarted', 'failed'])
  })

  it('goes on when Klippy printed on behind a broken connection', () => {
    stats('printing')
    tracker.loseSight()
    tracker.historyFinished(job('klippy_disconnect'))
    stats('printing')
    expect(told()).toEqual(['printStarted'])
  })

  it('fails the print that a shutdown ended, once', () => {
    stats('printing')
    tracker.historyAdded(job('in_progress'))
    tracker.fail('MCU shutdown')
    tracker.historyFinished(job('klippy_shutdown'))
    tracker.fail('MCU shutdown')
    expect(told()).toEqual(['printStarted', 'failed'])
    expect(events[1]).toMatchObject({ detail: 'MCU shutdown' })
  })
})
