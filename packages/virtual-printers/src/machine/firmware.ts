import { keyValues, type GcodeCommand } from './gcode-line.js'
import { BED_MODEL, Heater, NOZZLE_MODEL } from './heater.js'
import type { HeaterReading } from './machine.types.js'
import { Motion, type Move } from './motion.js'

/** What commands do beyond taking time; the machine listens. */
interface FirmwareSink {
  onMove(move: Move): void
  /** The file or a user asks for a pause (M0, M1, M25, M226, PAUSE; M600 with `filamentChange`). */
  onPause(filamentChange: boolean): void
  onEmergencyStop(): void
  onTarget(heater: string, celsius: number): void
  onMessage(text: string): void
  /** M73. */
  onProgress(progress: number | null, remainingSeconds: number | null): void
  /** SET_PRINT_STATS_INFO. */
  onLayerInfo(current: number | null, total: number | null): void
  onUnknown(command: string): void
}

/** A command costs at least what its line costs on the wire. */
const LINE_MS = 1
const PROBING_MS = 30_000
const IGNORED = new Set(
  'M20 M21 M31 M42 M75 M77 M80 M81 M85 M92 M105 M108 M110 M111 M113 M114 M115 M118 M119 M145 M150 M155 M200 M201 M203 M204 M205 M207 M208 M209 M211 M217 M300 M301 M302 M303 M304 M400 M413 M420 M486 M500 M501 M503 M569 M572 M593 M851 M862.1 M862.3 M862.5 M862.6 M900 M907 M914 G10 G11 G17 G18 G19 G27 EXCLUDE_OBJECT EXCLUDE_OBJECT_DEFINE EXCLUDE_OBJECT_START EXCLUDE_OBJECT_END SET_VELOCITY_LIMIT SET_PRESSURE_ADVANCE SET_INPUT_SHAPER SAVE_GCODE_STATE RESTORE_GCODE_STATE CLEAR_PAUSE SDCARD_RESET_FILE STATUS RESPOND'.split(
    ' ',
  ),
)

/** Executes commands on heaters, fan and motion, and says how long each takes in machine ms. */
export class Firmware {
  readonly motion = new Motion()
  readonly #nozzles: readonly Heater[]
  readonly #bed = new Heater(BED_MODEL)
  activeTool = 0
  fan = 0

  constructor(
    nozzles: number,
    private readonly sink: FirmwareSink,
  ) {
    this.#nozzles = Array.from({ length: nozzles }, () => new Heater(NOZZLE_MODEL))
  }

  heatersAt(nowMs: number): Record<string, HeaterReading> {
    const readings: Record<string, HeaterReading> = {}
    this.#nozzles.forEach((nozzle, index) => (readings[`tool${index}`] = nozzle.readingAt(nowMs)))
    readings['bed'] = this.#bed.readingAt(nowMs)
    return readings
  }

  turnOffHeaters(nowMs: number): void {
    this.#nozzles.forEach((nozzle, index) => this.#setTarget(nozzle, `tool${index}`, 0, nowMs))
    this.#setTarget(this.#bed, 'bed', 0, nowMs)
  }

  /** Executes one command at machine time `nowMs`; returns its duration in ms. */
  execute(command: GcodeCommand, nowMs: number): number {
    switch (command.letter) {
      case 'G':
        return this.#motion(command)
      case 'M':
        return Math.max(LINE_MS, this.#machine(command, nowMs))
      case 'T':
        return this.#selectTool(command.code)
      default:
        return Math.max(LINE_MS, this.#extended(command, nowMs))
    }
  }

  #motion(command: GcodeCommand): number {
    switch (command.code) {
      case 0:
      case 1:
        return this.#moved(this.motion.line(command))
      case 2:
      case 3:
        return this.#moved(this.motion.arc(command, command.code === 2))
      case 4:
        this.motion.stop()
        return (command.params.get('S') ?? 0) * 1000 + (command.params.get('P') ?? 0)
      case 28:
        return this.motion.home(command)
      case 29:
      case 32:
        this.motion.stop()
        return PROBING_MS
      default:
        return this.#mode(command)
    }
  }

  #mode(command: GcodeCommand): number {
    if (command.code === 20 || command.code === 21) this.motion.setInches(command.code === 20)
    else if (command.code === 90 || command.code === 91) this.motion.setAbsolute(command.code === 90)
    else if (command.code === 92) this.motion.setPosition(command)
    else this.#unknown(command)
    return LINE_MS
  }

  #moved(move: Move): number {
    this.sink.onMove(move)
    return Math.max(LINE_MS, move.durationMs)
  }

  #machine(command: GcodeCommand, nowMs: number): number {
    const { params } = command
    switch (command.code) {
      case 82:
      case 83:
        this.motion.setAbsoluteExtrusion(command.code === 82)
        return 0
      case 104:
      case 109:
        return this.#heatNozzle(command, nowMs)
      case 140:
      case 190:
        return this.#heat(this.#bed, 'bed', command, command.code === 190, nowMs)
      case 106:
        this.fan = clamp((params.get('S') ?? 255) / 255, 0, 1)
        return 0
      case 107:
        this.fan = 0
        return 0
      case 18:
      case 84:
        this.motion.motorsOff()
        return 0
      case 220:
        this.motion.speedFactor = clamp((params.get('S') ?? 100) / 100, 0.01, 10)
        return 0
      case 221:
        this.motion.flowFactor = clamp((params.get('S') ?? 100) / 100, 0.01, 10)
        return 0
      default:
        return this.#control(command)
    }
  }

  #control(command: GcodeCommand): number {
    switch (command.code) {
      case 0:
      case 1:
      case 25:
      case 226:
      case 600:
        this.sink.onPause(command.code === 600)
        return 0
      case 73:
        this.#progress(command.params)
        return 0
      case 112:
        this.sink.onEmergencyStop()
        return 0
      case 117:
        this.sink.onMessage(Buffer.from(command.rest, 'latin1').toString('utf8'))
        return 0
      default:
        return this.#unknown(command)
    }
  }

  #progress(params: ReadonlyMap<string, number>): void {
    const percent = params.get('P')
    const minutes = params.get('R')
    this.sink.onProgress(
      percent === undefined ? null : clamp(percent / 100, 0, 1),
      minutes === undefined ? null : minutes * 60,
    )
  }

  #selectTool(tool: number): number {
    if (tool < this.#nozzles.length) this.activeTool = tool
    return LINE_MS
  }

  #heatNozzle(command: GcodeCommand, nowMs: number): number {
    const tool = command.params.get('T') ?? this.activeTool
    const nozzle = this.#nozzles[tool]
    return nozzle ? this.#heat(nozzle, `tool${tool}`, command, command.code === 109, nowMs) : 0
  }

  /** S waits for heating alone, R for cooling too. */
  #heat(heater: Heater, name: string, command: GcodeCommand, wait: boolean, nowMs: number): number {
    const coolToo = command.params.get('R')
    const target = command.params.get('S') ?? coolToo
    if (target !== undefined) this.#setTarget(heater, name, target, nowMs)
    return wait ? heater.msUntilReached(nowMs, coolToo !== undefined) : 0
  }

  #setTarget(heater: Heater, name: string, celsius: number, nowMs: number): void {
    const before = heater.target
    heater.setTarget(celsius, nowMs)
    if (heater.target !== before) this.sink.onTarget(name, heater.target)
  }

  /** Klipper's own commands. */
  #extended(command: GcodeCommand, nowMs: number): number {
    switch (command.name) {
      case 'TURN_OFF_HEATERS':
        this.turnOffHeaters(nowMs)
        return 0
      case 'SET_HEATER_TEMPERATURE':
        this.#setHeater(keyValues(command.rest), nowMs)
        return 0
      case 'BED_MESH_CALIBRATE':
        this.motion.stop()
        return PROBING_MS
      case 'PAUSE':
        this.sink.onPause(false)
        return 0
      case 'SET_PRINT_STATS_INFO': {
        const values = keyValues(command.rest)
        this.sink.onLayerInfo(toCount(values.get('CURRENT_LAYER')), toCount(values.get('TOTAL_LAYER')))
        return 0
      }
      default:
        return this.#unknown(command)
    }
  }

  #setHeater(values: ReadonlyMap<string, string>, nowMs: number): void {
    const name = values.get('HEATER') ?? ''
    const target = Number(values.get('TARGET') ?? 0)
    const tool = /^extruder(\d*)$/.exec(name)
    const heater = name === 'heater_bed' ? this.#bed : tool ? this.#nozzles[Number(tool[1])] : undefined
    if (heater && Number.isFinite(target)) {
      this.#setTarget(heater, name === 'heater_bed' ? 'bed' : `tool${Number(tool?.[1])}`, target, nowMs)
    }
  }

  #unknown(command: GcodeCommand): number {
    if (!IGNORED.has(command.name)) this.sink.onUnknown(command.name)
    return 0
  }
}

function toCount(text: string | undefined): number | null {
  const value = Number(text)
  return text !== undefined && Number.isInteger(value) && value >= 0 ? value : null
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
