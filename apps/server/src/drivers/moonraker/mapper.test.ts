import { describe, expect, it } from 'vitest'

import { mapReport, type MoonrakerView } from './mapper.js'
import { mergeStatus } from './status.js'

const READY = { connected: true, state: 'ready', message: null }
const NO_RUN = { hostJobRef: null, progress: null, estimatedSeconds: null, layerCount: null }

function view(status: MoonrakerView['status'], change: Partial<MoonrakerView> = {}): MoonrakerView {
  const webhooks = { state: 'ready', state_message: 'Printer is ready' }
  return {
    klippy: READY,
    status: { webhooks, ...status },
    heaters: [],
    pending: null,
    run: NO_RUN,
    notice: null,
    ...change,
  }
}

const job = (state: string, more: object = {}) => ({ print_stats: { state, filename: 'a.gcode', ...more } })

describe('the state of a Moonraker printer', () => {
  it.each(['disconnected', 'startup'])('is offline while Klippy is %s', (state) => {
    const klippy = { connected: state === 'startup', state, message: null }
    const report = mapReport(view({}, { klippy, status: {} }))
    expect(report).toMatchObject({ state: 'offline', printerConnected: false, observed: `klippy ${state}`, job: null })
  })

  it.each(['error', 'shutdown'])('is error while Klippy is in %s, with the message as attention', (state) => {
    const klippy = { connected: true, state, message: 'MCU unable to connect\n' }
    const report = mapReport(view({}, { klippy, status: {} }))
    expect(report).toMatchObject({ state: 'error', attention: { text: 'MCU unable to connect', severity: 'error' } })
  })

  it('is error after an emergency stop, although print_stats says paused', () => {
    const webhooks = { state: 'shutdown', state_message: 'Shutdown due to webhooks request' }
    const report = mapReport(view({ ...job('paused'), webhooks }))
    expect(report).toMatchObject({ state: 'error', attention: { text: 'Shutdown due to webhooks request' }, job: null })
  })

  it.each([
    ['printing', null, 'printing'],
    ['printing', 'pause', 'pausing'],
    ['printing', 'cancel', 'cancelling'],
    ['paused', null, 'paused'],
    ['paused', 'pause', 'paused'],
    ['paused', 'cancel', 'cancelling'],
    ['complete', null, 'finished'],
    ['cancelled', null, 'finished'],
    ['cancelled', 'cancel', 'finished'],
    ['error', null, 'finished'],
    ['standby', null, 'idle'],
  ] as const)('with print_stats %s and the order %s is %s', (observed, pending, state) => {
    expect(mapReport(view(job(observed), { pending }))).toMatchObject({ observed, state, printerConnected: true })
  })

  it('is paused as soon as a pause is under way in a printing file', () => {
    expect(mapReport(view({ ...job('printing'), pause_resume: { is_paused: true } })).state).toBe('paused')
  })

  it('shows the text of a failed print', () => {
    const report = mapReport(view(job('error', { message: 'Move out of range' })))
    expect(report.attention).toEqual({ text: 'Move out of range', severity: 'error' })
  })

  it('is idle but busy while someone moves the printer by hand', () => {
    const report = mapReport(view({ ...job('standby'), idle_timeout: { state: 'Printing' } }))
    expect(report.state).toBe('idle')
    expect(report.busyDetail).not.toBeNull()
    expect(mapReport(view({ ...job('printing'), idle_timeout: { state: 'Printing' } })).busyDetail).toBeNull()
  })

  it('survives fields of another type and objects that nobody knows', () => {
    const report = mapReport(view({ print_stats: { state: 7, filename: null }, virtual_sdcard: { progress: 'x' } }))
    expect(report).toMatchObject({ observed: 'unknown', state: 'idle', job: null })
  })
})

describe('the job of a Moonraker printer', () => {
  it('never loses progress within a run and never exceeds 1', () => {
    const at = (progress: number, seen: number) =>
      mapReport(view({ ...job('printing'), virtual_sdcard: { progress } }, { run: { ...NO_RUN, progress: seen } })).job
    expect(at(0.2, 0.5)?.progress).toBe(0.5)
    expect(at(7, 0.5)?.progress).toBe(1)
    expect(mapReport(view(job('complete'))).job?.progress).toBe(1)
  })

  it('estimates by the slicer at first and by the pace later', () => {
    const at = (progress: number, print_duration: number) =>
      mapReport(
        view(
          { ...job('printing', { print_duration }), virtual_sdcard: { progress } },
          { run: { ...NO_RUN, estimatedSeconds: 1000 } },
        ),
      ).job?.remainingSeconds
    expect(at(0.001, 10)).toBe(990)
    expect(at(0.5, 1000)).toBe(500)
  })

  it('knows no remaining time without an estimate and a pace', () => {
    const report = mapReport(view({ ...job('printing'), virtual_sdcard: { progress: 0.001 } }))
    expect(report.job?.remainingSeconds).toBeNull()
  })

  it('reads layers, time and filament', () => {
    const stats = { total_duration: 12, filament_used: 34, info: { total_layer: 10, current_layer: 3 } }
    expect(mapReport(view(job('printing', stats))).job).toMatchObject({
      remotePath: 'a.gcode',
      elapsedSeconds: 12,
      filamentUsedMm: 34,
      layer: 3,
      layerCount: 10,
    })
  })
})

describe('a status made of deltas', () => {
  it('keeps the fields that a delta does not name, and drops objects nobody asked for', () => {
    const merged = mergeStatus({ extruder: { temperature: 20, target: 200 } }, { extruder: { temperature: 21 }, x: {} })
    expect(merged).toEqual({ extruder: { temperature: 21, target: 200 } })
  })
})

describe('the heaters of a Moonraker printer', () => {
  it('are told apart by the names of their objects', () => {
    const heaters = ['extruder', 'extruder1', 'heater_bed', 'heater_generic chamber', 'heater_generic dryer']
    const status = { extruder: { temperature: 20.5, target: 200 } }
    const readings = mapReport(view(status, { heaters })).heaters
    expect(readings.map(({ kind }) => kind)).toEqual(['tool', 'tool', 'bed', 'chamber', 'other'])
    expect(readings[0]).toEqual({ heater: 'extruder', kind: 'tool', actualCelsius: 20.5, targetCelsius: 200 })
    expect(readings[1]).toMatchObject({ actualCelsius: null, targetCelsius: null })
  })
})
