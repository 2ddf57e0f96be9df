import { afterEach, expect, test } from 'vitest'
import { createMachine } from './create-machine.js'
import { memorySource } from './gcode-source.js'
import { ManualTime } from './manual-time.js'
import { MachineError, type MachineOptions, type MachineState, type VirtualMachine } from './machine.types.js'

const started: VirtualMachine[] = []
afterEach(() => started.splice(0).forEach((machine) => machine.stop()))

function setUp(options: Partial<MachineOptions> = {}) {
  const time = new ManualTime()
  const machine = createMachine({ name: 'p1', ...options }, time, time)
  started.push(machine)
  const states: MachineState[] = []
  machine.on('stateChanged', (state) => states.push(state))
  return { time, machine, states }
}

/** A square of 10 mm at 10 mm/s per layer: about 4 s each, 4 mm of filament. */
function squares(layers: number): string {
  const lines = ['G90', 'M83', 'G28']
  for (let layer = 0; layer < layers; layer++) {
    lines.push(';LAYER_CHANGE', `G1 Z${(layer + 1) * 0.2} F600`, `M73 P${Math.round((layer / layers) * 100)} R1`)
    for (const [x, y] of [
      [10, 0],
      [10, 10],
      [0, 10],
      [0, 0],
    ] as const)
      lines.push(`G1 X${x} Y${y} E1 F600`)
  }
  return lines.join('\n') + '\n'
}

test('a print runs through its states, takes the time of its moves and counts its filament', () => {
  const { time, machine, states } = setUp()
  machine.start('a.gcode', memorySource(squares(10)))
  expect(machine.bed).toBe('occupied')
  time.advance(30_000)
  expect(machine.job).toMatchObject({ name: 'a.gcode', layer: 5, outcome: null })
  expect(machine.job!.progress).toBeGreaterThan(0.3)
  time.advance(60_000)
  expect(states).toEqual(['starting', 'printing', 'finishing', 'operational'])
  expect(machine.job).toBeNull()
  expect(machine.lastJob).toMatchObject({
    outcome: 'done',
    progress: 1,
    layer: 10,
    filamentUsedMm: 40,
    m73Progress: 0.9,
  })
  // 12 s of homing, 40 s of moves at speed, and the turns.
  expect(machine.lastJob!.printTimeSeconds).toBeGreaterThan(52)
  expect(machine.lastJob!.printTimeSeconds).toBeLessThan(58)
  expect(machine.counts).toMatchObject({ starts: 1, done: 1, failed: 0, cancelled: 0, filamentUsedMm: 40 })
})

test('a faster clock shortens the wall time, not the print time, also when the speed changes midway', () => {
  const { time, machine } = setUp()
  time.setSpeed(10)
  machine.start('a.gcode', memorySource(squares(10)))
  time.advance(2_000)
  time.setSpeed(100)
  time.advance(600)
  expect(machine.lastJob?.outcome).toBe('done')
  expect(machine.lastJob!.printTimeSeconds).toBeGreaterThan(52)
  expect(machine.lastJob!.printTimeSeconds).toBeLessThan(58)
})

test('M109 and M190 wait for plausible heating, and the heater cools to the room afterwards', () => {
  const { time, machine } = setUp()
  machine.start('hot.gcode', memorySource('M140 S60\nM109 S210\nM190 S60\nG4 S5\nM104 S0\nM140 S0\n'))
  time.advance(40_000)
  const { tool0, bed } = machine.heaters
  expect(tool0!.actualCelsius).toBeGreaterThan(100)
  expect(tool0!.actualCelsius).toBeLessThan(180)
  expect(tool0).toMatchObject({ targetCelsius: 210, power: 1 })
  expect(bed!.actualCelsius).toBeLessThan(60)
  expect(machine.state).toBe('printing')
  time.advance(100_000)
  expect(machine.lastJob?.outcome).toBe('done')
  expect(machine.lastJob!.printTimeSeconds).toBeGreaterThan(90)
  time.advance(3_600_000)
  expect(machine.heaters['tool0']!.actualCelsius).toBeCloseTo(22, 0)
  expect(machine.heaters['bed']!.actualCelsius).toBeCloseTo(22, 0)
})

test('a pause stops time and progress of the print until it is resumed', () => {
  const { time, machine, states } = setUp()
  machine.start('a.gcode', memorySource(squares(10)))
  time.advance(20_000)
  machine.pause()
  expect(machine.state).toBe('pausing')
  time.advance(5_000)
  expect(machine.state).toBe('paused')
  const before = machine.job!
  time.advance(600_000)
  expect(machine.job!.positionBytes).toBe(before.positionBytes)
  expect(machine.job!.printTimeSeconds).toBeCloseTo(before.printTimeSeconds, 3)
  expect(machine.job!.totalTimeSeconds).toBeGreaterThan(600)
  machine.resume()
  time.advance(60_000)
  expect(machine.lastJob).toMatchObject({ outcome: 'done' })
  expect(machine.lastJob!.printTimeSeconds).toBeLessThan(60)
  expect(states).toEqual([
    'starting',
    'printing',
    'pausing',
    'paused',
    'resuming',
    'printing',
    'finishing',
    'operational',
  ])
})

test.each([
  [true, 'leaves', 'operational'],
  [false, 'waits out', 'cancelling'],
])('a cancel with cancelAbortsHeating %s %s the heating', (cancelAbortsHeating, _verb, state) => {
  const { time, machine } = setUp({ cancelAbortsHeating })
  machine.start('hot.gcode', memorySource('M109 S210\n'))
  time.advance(10_000)
  machine.cancel()
  time.advance(2_000)
  expect(machine.state).toBe(state)
  time.advance(200_000)
  expect(machine.lastJob).toMatchObject({ outcome: 'cancelled' })
  expect(machine.state).toBe('operational')
})

test('the machine judges starts by itself: occupied bed, second start of a name, and never a person', () => {
  const { time, machine } = setUp()
  const print = (name: string) => {
    machine.start(name, memorySource('G4 S1\n'))
    time.advance(5_000)
  }
  print('a.gcode')
  expect(machine.counts).toMatchObject({ startsOnOccupiedBed: 0, secondStarts: 0 })
  print('b.gcode')
  expect(machine.counts).toMatchObject({ startsOnOccupiedBed: 1, secondStarts: 0, done: 2 })
  machine.clearBed()
  print('a.gcode')
  expect(machine.counts).toMatchObject({ startsOnOccupiedBed: 1, secondStarts: 1 })
  machine.startAtPanel('a.gcode', memorySource('G4 S1\n'))
  expect(machine.counts).toMatchObject({ startsOnOccupiedBed: 1, secondStarts: 1, starts: 4 })
  expect(machine.counts.startsByName).toEqual({ 'a.gcode': 3, 'b.gcode': 1 })
  expect(machine.starts.at(-1)).toMatchObject({ startedBy: 'panel', startOfName: 3, outcome: null })
})

test('g-code from outside is executed in order; only during a print it is counted', async () => {
  const { time, machine } = setUp()
  const done = machine.sendGcode('G28\nG1 X20 F1200\nM104 S100')
  expect(machine.executingManualGcode).toBe(true)
  time.advance(20_000)
  await done
  expect(machine).toMatchObject({ homedAxes: 'xyz', bed: 'clear', executingManualGcode: false })
  expect(machine.position.x).toBe(20)
  expect(machine.counts.gcodeWhilePrinting).toBe(0)
  machine.start('a.gcode', memorySource(squares(2)))
  time.advance(5_000)
  const late = machine.sendGcode('M106 S128\n; a comment')
  time.advance(60_000)
  await late
  expect(machine.fan).toBeCloseTo(0.5, 1)
  expect(machine.counts.gcodeWhilePrinting).toBe(1)
})

test('laying material by hand occupies the bed', async () => {
  const { time, machine } = setUp()
  const done = machine.sendGcode('M83\nG1 X20 E2 F1200')
  time.advance(5_000)
  await done
  expect(machine.bed).toBe('occupied')
  machine.clearBed()
  expect(machine.bed).toBe('clear')
})

test('an emergency stop fails the print, switches off and refuses everything until the restart', async () => {
  const { time, machine } = setUp()
  machine.start('hot.gcode', memorySource('M104 S210\nG4 S100\n'))
  time.advance(5_000)
  const waiting = machine.sendGcode('G28')
  machine.emergencyStop('the button')
  await expect(waiting).rejects.toBeInstanceOf(MachineError)
  expect(machine).toMatchObject({ state: 'shutdown', shutdownReason: 'the button', bed: 'occupied' })
  expect(machine.lastJob).toMatchObject({ outcome: 'failed', failure: 'the button' })
  expect(machine.heaters['tool0']!.targetCelsius).toBe(0)
  expect(() => machine.start('b.gcode', memorySource(''))).toThrow(MachineError)
  machine.restart()
  expect(machine.state).toBe('operational')
  expect(machine.counts).toMatchObject({ starts: 1, failed: 1 })
})

test('M112 in a script acts at once', async () => {
  const { machine } = setUp()
  await machine.sendGcode('M112')
  expect(machine.state).toBe('shutdown')
})

test.each(['M600', 'M0', 'PAUSE'])('%s in the file pauses the print', (command) => {
  const { time, machine } = setUp()
  machine.start('a.gcode', memorySource(`G4 S1\n${command}\nG4 S1\n`))
  time.advance(10_000)
  expect(machine.state).toBe('paused')
  machine.resume()
  time.advance(10_000)
  expect(machine.lastJob?.outcome).toBe('done')
})

test('commands that the state does not allow are refused with a code', () => {
  const { time, machine } = setUp()
  expect(() => machine.pause()).toThrow(expect.objectContaining({ code: 'notPrinting' }))
  expect(() => machine.resume()).toThrow(expect.objectContaining({ code: 'notPaused' }))
  expect(() => machine.cancel()).toThrow(expect.objectContaining({ code: 'notPrinting' }))
  machine.start('a.gcode', memorySource(squares(1)))
  expect(() => machine.start('b.gcode', memorySource(''))).toThrow(expect.objectContaining({ code: 'busy' }))
  time.advance(60_000)
  machine.failPrint('nothing runs')
  expect(machine.counts).toMatchObject({ done: 1, failed: 0 })
})

test('the work of one tick is bounded; what is left is caught up later', () => {
  const { time, machine } = setUp()
  time.setSpeed(10_000)
  machine.start('long.gcode', memorySource('M107\n'.repeat(50_000)))
  time.advance(100)
  expect(machine.job!.progress).toBeLessThan(0.2)
  time.advance(10_000)
  expect(machine.lastJob).toMatchObject({ outcome: 'done' })
  expect(machine.lastJob!.printTimeSeconds).toBeCloseTo(50.4, 0)
})

test('Cura layers count from 0 in the file and from 1 here; files without comments count by height', () => {
  const { time, machine } = setUp()
  const layers: number[] = []
  machine.on('layerChanged', (layer) => layers.push(layer))
  machine.start('cura.gcode', memorySource(';LAYER_COUNT:2\n;LAYER:0\nG4 S1\n;LAYER:1\nG4 S1\n'))
  time.advance(10_000)
  expect(machine.lastJob).toMatchObject({ layer: 2, totalLayers: 2 })
  machine.start('plain.gcode', memorySource('M83\nG1 Z1\nG1 Z0.2\nG1 X9 E1\nG1 Z0.4\nG1 X0 E1\nG1 X9 E1\n'))
  time.advance(10_000)
  expect(layers).toEqual([1, 2, 1, 2])
})
