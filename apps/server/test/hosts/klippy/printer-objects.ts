/** One printer object: field name to value, as Klipper reports it. */
export type StatusObject = Record<string, unknown>
export type Status = Record<string, StatusObject>
/** Object name to the wanted fields; null means all. */
export type ObjectSelection = Record<string, string[] | null>

export const AMBIENT_CELSIUS = 22

/** The printer objects of a freshly started Klipper with one extruder and a heated bed. */
export function createPrinterObjects(gcodesDir: string) {
  const sdConfig = { virtual_sdcard: { path: gcodesDir } }
  return {
    webhooks: { state: 'startup', state_message: 'Printer is not ready' },
    configfile: { config: sdConfig, settings: sdConfig, warnings: [], save_config_pending: false },
    print_stats: {
      filename: '',
      total_duration: 0,
      print_duration: 0,
      filament_used: 0,
      state: 'standby',
      message: '',
      info: { total_layer: null as number | null, current_layer: null as number | null },
    },
    virtual_sdcard: { file_path: null as string | null, progress: 0, is_active: false, file_position: 0, file_size: 0 },
    pause_resume: { is_paused: false },
    display_status: { progress: 0, message: null as string | null },
    idle_timeout: { state: 'Idle', printing_time: 0 },
    heaters: { available_heaters: ['extruder', 'heater_bed'], available_sensors: ['extruder', 'heater_bed'] },
    extruder: { temperature: AMBIENT_CELSIUS, target: 0, power: 0, can_extrude: true },
    heater_bed: { temperature: AMBIENT_CELSIUS, target: 0, power: 0 },
    toolhead: { homed_axes: '', position: [0, 0, 0, 0], extruder: 'extruder' },
    gcode_move: { speed_factor: 1, extrude_factor: 1 },
  }
}

export type PrinterObjects = ReturnType<typeof createPrinterObjects>

/** A deep copy of the selected fields; an unknown object comes back empty, as Klipper does. */
export function selectStatus(objects: PrinterObjects, selection: ObjectSelection): Status {
  const all: Status = objects
  const status: Status = {}
  for (const [name, fields] of Object.entries(selection)) {
    const source = all[name] ?? {}
    const names = fields ?? Object.keys(source)
    status[name] = structuredClone(Object.fromEntries(names.map((field) => [field, source[field] ?? null])))
    if (all[name] === undefined) status[name] = {}
  }
  return status
}

/** What of `current` differs from `previous`, field by field. */
export function statusDelta(previous: Status, current: Status): Status {
  const delta: Status = {}
  for (const [name, fields] of Object.entries(current)) {
    const changed = Object.entries(fields).filter(
      ([field, value]) => JSON.stringify(value) !== JSON.stringify(previous[name]?.[field]),
    )
    if (changed.length > 0) delta[name] = Object.fromEntries(changed)
  }
  return delta
}
