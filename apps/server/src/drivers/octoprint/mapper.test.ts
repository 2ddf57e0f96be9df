import { describe, expect, it } from 'vitest'

import type { HostState } from '../../modules/printers/printer-driver.port.js'
import { mapReport, mapState, type Observation, remotePathOf } from './mapper.js'
import { printerMessage, type StateMessage } from './wire.js'

type Flag = keyof StateMessage['flags']

const stateOf = (text: string, flags: Flag[], error = ''): StateMessage =>
  printerMessage.shape.state.parse({ text, error, flags: Object.fromEntries(flags.map((name) => [name, true])) })

const observation = (text: string, flags: Flag[], more: Partial<Observation> = {}): Observation => ({
  state: stateOf(text, flags),
  job: { file: { path: null, origin: null } },
  progress: { completion: null, printTime: null, printTimeLeft: null },
  temperatures: {},
  ...more,
})

const printing = (path: string, completion: number | null, origin = 'local') => ({
  job: { file: { path, origin } },
  progress: { completion, printTime: 60, printTimeLeft: 400 },
})

describe("the mapping of OctoPrint's flags and text", () => {
  it.each<[string, Flag[], HostState, boolean]>([
    // A fault, by flag or by text alone.
    ['Error', ['error', 'closedOrError'], 'error', false],
    ['Error', ['error'], 'error', true],
    ['Error: Connection lost', [], 'error', true],
    ['Offline after error', [], 'error', false],
    ['Offline after error', ['closedOrError'], 'error', false],
    ['Operational', ['operational', 'error'], 'error', true],
    // The host without its printer.
    ['Offline', ['closedOrError'], 'offline', false],
    ['Offline', [], 'offline', false],
    ['Opening serial connection', [], 'offline', false],
    ['Detecting serial connection', [], 'offline', false],
    ['Connecting', [], 'offline', false],
    ['Operational', ['operational', 'closedOrError'], 'offline', false],
    // `printing` is true in all of these.
    ['Cancelling', ['operational', 'printing', 'cancelling'], 'cancelling', true],
    ['Cancelling', ['printing', 'cancelling', 'pausing', 'paused'], 'cancelling', true],
    ['Pausing', ['operational', 'printing', 'pausing'], 'pausing', true],
    ['Paused', ['operational', 'paused'], 'paused', true],
    ['Resuming', ['operational', 'printing', 'resuming'], 'printing', true],
    ['Finishing', ['operational', 'printing', 'finishing'], 'printing', true],
    ['Finishing', ['operational', 'finishing'], 'printing', true],
    ['Printing', ['operational', 'printing'], 'printing', true],
    ['Starting', ['operational', 'printing'], 'printing', true],
    ['Starting', ['operational', 'ready'], 'printing', true],
    ['Transferring file to SD', ['operational'], 'printing', true],
    // At rest.
    ['Operational', ['operational', 'ready'], 'idle', true],
    ['Operational', ['ready'], 'idle', true],
    // Nothing that we know: no trustworthy status.
    ['Unknown State (17)', [], 'offline', false],
    ['', [], 'offline', false],
  ])('takes %j with %j for %s', (text, flags, state, printerConnected) => {
    expect(mapState(stateOf(text, flags))).toEqual({ state, printerConnected })
  })
})

describe('the report', () => {
  it('shows a running job with progress from 0 to 1', () => {
    const report = mapReport(observation('Printing', ['operational', 'printing'], printing('sub/a.gcode', 12.5)))
    expect(report).toMatchObject({
      observed: 'Printing',
      state: 'printing',
      job: { remotePath: 'sub/a.gcode', progress: 0.125, elapsedSeconds: 60, remainingSeconds: 400, layer: null },
    })
  })

  it.each([
    [100.4, 1],
    [-1, null],
    [Number.POSITIVE_INFINITY, null],
    [null, null],
  ])('turns a completion of %s into %s', (completion, progress) => {
    const report = mapReport(observation('Printing', ['printing'], printing('a.gcode', completion)))
    expect(report.job?.progress).toBe(progress)
  })

  it('shows the job that ended last as finished for as long as the host does', () => {
    const report = mapReport(observation('Operational', ['operational', 'ready'], printing('a.gcode', 100)))
    expect(report).toMatchObject({ state: 'finished', job: { remotePath: 'a.gcode', progress: 1 } })
  })

  it('shows no job for a file that is only selected', () => {
    const report = mapReport(observation('Operational', ['operational', 'ready'], printing('a.gcode', null)))
    expect(report).toMatchObject({ state: 'idle', job: null })
  })

  it.each(['Sending file to SD', 'Transferring file to SD', 'Starting to send file to SD'])(
    'is busy without a job while %j',
    (text) => {
      const report = mapReport(observation(text, ['operational', 'printing'], printing('a.gcode', 3)))
      expect(report).toMatchObject({
        state: 'printing',
        job: null,
        busyDetail: expect.stringContaining('card') as string,
      })
    },
  )

  it("marks a file on the printer's own card", () => {
    expect(remotePathOf('a.gcode', 'local')).toBe('a.gcode')
    expect(remotePathOf('A.GCO', 'sdcard')).toBe('sdcard:A.GCO')
    expect(remotePathOf(null, 'local')).toBeNull()
  })

  it('lists the heaters that the printer has', () => {
    const temperatures = {
      tool0: { actual: 205.1, target: 210 },
      tool1: { actual: 21, target: null },
      bed: { actual: 60, target: 60 },
      chamber: { actual: null, target: null },
      board: { actual: 41, target: null },
    }
    const { heaters } = mapReport(observation('Operational', ['operational'], { temperatures }))
    expect(heaters.map(({ heater, kind }) => [heater, kind])).toEqual([
      ['tool0', 'tool'],
      ['tool1', 'tool'],
      ['bed', 'bed'],
      ['board', 'other'],
    ])
    expect(heaters[0]).toMatchObject({ actualCelsius: 205.1, targetCelsius: 210 })
  })

  it('shows no temperatures of a printer that is not connected', () => {
    const temperatures = { tool0: { actual: 205, target: 0 } }
    expect(mapReport(observation('Offline', ['closedOrError'], { temperatures })).heaters).toEqual([])
  })

  it("says why in the host's words, or in its state's when it gives none", () => {
    const halted = { ...observation('Offline after error', []), state: stateOf('Offline after error', [], 'M112') }
    expect(mapReport(halted).attention).toEqual({ text: 'M112', severity: 'error' })
    expect(mapReport(observation('Error', ['error'])).attention).toEqual({ text: 'Error', severity: 'error' })
    expect(mapReport(observation('Operational', ['operational'])).attention).toBeNull()
  })
})
