import type { HeaterReading } from '@gantry/schemas'

import { temperature, type PrinterStatus } from './wire.js'

const MAX_HEATERS = 64
const CHAMBER = /^(heater_generic|temperature_fan|temperature_sensor) .*chamber/i

/** Of the printer's objects those that have a temperature worth showing: tools, bed, further heaters, the chamber. */
export function heaterObjects(objects: readonly string[]): string[] {
  const chamber = objects.find((name) => CHAMBER.test(name))
  return objects
    .filter((name) => isTool(name) || name === 'heater_bed' || name.startsWith('heater_generic ') || name === chamber)
    .slice(0, MAX_HEATERS)
}

export function readHeaters(status: PrinterStatus, names: readonly string[]): HeaterReading[] {
  return names.map((name) => {
    const reading = temperature.parse(status[name] ?? {})
    return { heater: name, kind: kindOf(name), actualCelsius: reading.temperature, targetCelsius: reading.target }
  })
}

/** The g-code that sets one of the printer's heaters; null for what cannot be set. */
export function heaterCommand(name: string, celsius: number): string | null {
  const [type = '', own] = name.split(' ', 2)
  if (type === 'temperature_sensor') return null
  if (type === 'temperature_fan') {
    return own === undefined ? null : `SET_TEMPERATURE_FAN_TARGET TEMPERATURE_FAN=${own} TARGET=${celsius}`
  }
  return `SET_HEATER_TEMPERATURE HEATER=${own ?? name} TARGET=${celsius}`
}

const isTool = (name: string) => /^extruder\d*$/.test(name)

function kindOf(name: string): HeaterReading['kind'] {
  if (isTool(name)) return 'tool'
  if (name === 'heater_bed') return 'bed'
  return CHAMBER.test(name) ? 'chamber' : 'other'
}
