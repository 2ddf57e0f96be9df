import type { HeaterReading, VirtualMachine } from '../machine/machine.types.js'
import type { Klippy } from './klippy.js'
import type { ObjectSelection } from './params.js'
import type { PrintReading } from './print-stats.js'

/** Fields of one printer object. */
export type ObjectStatus = Readonly<Record<string, unknown>>
export type Status = Readonly<Record<string, ObjectStatus>>

const BED_SIZE_MM = 250
const HEIGHT_MM = 220
const MIN_EXTRUDE_CELSIUS = 170
const GCODES_FOLDER = '/home/pi/printer_data/gcodes'

/** Every printer object of this machine, read now. */
export function readObjects(machine: VirtualMachine, klippy: Klippy): Status {
  const print = klippy.printStats.read()
  const heaters = Object.entries(machine.heaters).map(([name, reading]) => [klipperName(name), reading] as const)
  const heaterNames = heaters.map(([name]) => name)
  return {
    webhooks: { state: klippy.state, state_message: klippy.stateMessage },
    print_stats: printStats(print),
    virtual_sdcard: virtualSdCard(machine, print),
    display_status: { progress: print.job?.m73Progress ?? progressOf(print), message: machine.displayMessage },
    pause_resume: { is_paused: klippy.isPaused },
    idle_timeout: idleTimeout(machine, print),
    heaters: { available_heaters: heaterNames, available_sensors: heaterNames, available_monitors: [] },
    ...Object.fromEntries(heaters.map(([name, reading]) => [name, heater(name, reading)])),
    toolhead: toolhead(machine),
    gcode_move: gcodeMove(machine),
    fan: { speed: machine.fan, rpm: null },
    'filament_switch_sensor runout': { filament_detected: machine.filamentLoaded, enabled: true },
  }
}

/**
 * Cuts a status to what was asked for, as Klipper answers it: an unknown object is empty, an unknown field null.
 */
export function selectObjects(status: Status, selection: ObjectSelection): Status {
  return Object.fromEntries(
    Object.entries(selection).map(([name, fields]) => {
      const object = status[name]
      if (!object || fields === null) return [name, object ?? {}]
      return [name, Object.fromEntries(fields.map((field) => [field, object[field] ?? null]))]
    }),
  )
}

/** What changed from one status to the next, one level deep; null for nothing. */
export function statusDelta(previous: Status, current: Status): Status | null {
  const delta: Record<string, ObjectStatus> = {}
  for (const [name, object] of Object.entries(current)) {
    const known = previous[name] ?? {}
    const changed = Object.entries(object).filter(([field, value]) => !isSame(known[field], value))
    if (changed.length > 0) delta[name] = Object.fromEntries(changed)
  }
  return Object.keys(delta).length > 0 ? delta : null
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  return typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b)
}

function klipperName(heaterName: string): string {
  if (heaterName === 'bed') return 'heater_bed'
  return heaterName === 'tool0' ? 'extruder' : heaterName.replace('tool', 'extruder')
}

function printStats({ state, filename, message, job }: PrintReading): ObjectStatus {
  return {
    filename,
    total_duration: job?.totalTimeSeconds ?? 0,
    print_duration: job?.extrusionTimeSeconds ?? 0,
    filament_used: job?.filamentUsedMm ?? 0,
    state,
    message,
    info: { total_layer: job?.totalLayers ?? null, current_layer: job?.layer ?? null },
  }
}

function virtualSdCard(machine: VirtualMachine, print: PrintReading): ObjectStatus {
  const { state, job } = print
  const isLoaded = job !== null && state !== 'complete' && state !== 'cancelled'
  return {
    file_path: isLoaded ? `${GCODES_FOLDER}/${job.name}` : null,
    progress: progressOf(print),
    is_active: isPrinting(machine),
    file_position: state === 'cancelled' ? 0 : (job?.positionBytes ?? 0),
    file_size: state === 'cancelled' ? 0 : (job?.sizeBytes ?? 0),
  }
}

/** A cancel closes the file, so nothing is left to measure; every other end keeps the position. */
function progressOf({ state, job }: PrintReading): number {
  return state === 'cancelled' ? 0 : (job?.progress ?? 0)
}

function isPrinting(machine: VirtualMachine): boolean {
  return machine.busy && machine.state !== 'paused'
}

function idleTimeout(machine: VirtualMachine, { job }: PrintReading): ObjectStatus {
  const isBusy = isPrinting(machine) || machine.executingManualGcode
  return {
    state: isBusy ? 'Printing' : 'Ready',
    printing_time: isPrinting(machine) ? (job?.totalTimeSeconds ?? 0) : 0,
    idle_timeout: 600,
  }
}

function heater(name: string, { actualCelsius, targetCelsius, power }: HeaterReading): ObjectStatus {
  const temperature = Math.round(actualCelsius * 100) / 100
  const status = { temperature, target: targetCelsius, power: Math.round(power * 1_000) / 1_000 }
  return name === 'heater_bed' ? status : { ...status, can_extrude: actualCelsius >= MIN_EXTRUDE_CELSIUS }
}

function toolhead(machine: VirtualMachine): ObjectStatus {
  return {
    homed_axes: machine.homedAxes,
    position: coordinates(machine),
    axis_minimum: [0, 0, 0, 0],
    axis_maximum: [BED_SIZE_MM, BED_SIZE_MM, HEIGHT_MM, 0],
    extruder: klipperName(`tool${machine.activeTool}`),
    max_velocity: 300,
    max_accel: 3_000,
  }
}

function gcodeMove(machine: VirtualMachine): ObjectStatus {
  return {
    speed_factor: machine.speedFactor,
    extrude_factor: machine.flowFactor,
    speed: machine.feedRateMmPerSecond,
    position: coordinates(machine),
    gcode_position: coordinates(machine),
    homing_origin: [0, 0, 0, 0],
  }
}

function coordinates({ position: { x, y, z, e } }: VirtualMachine): readonly number[] {
  return [x, y, z, e]
}
