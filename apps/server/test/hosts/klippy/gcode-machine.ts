import { setTimeout as delay } from 'node:timers/promises'

import { AMBIENT_CELSIUS, type PrinterObjects } from './printer-objects.js'

/** What a g-code command asks for that reaches beyond the machine itself. */
export interface GcodeHooks {
  printFile(filename: string): Promise<void>
  resetFile(): void
  pause(): void
  resume(): void
  cancel(): void
  restart(): void
  shutdown(message: string): void
  respond(line: string): void
}

const TICK_SECONDS = 0.05
/** Moves shorter than this are summed up before they are waited for: timers are no finer. */
const SHORTEST_WAIT_MS = 20

type Heater = 'extruder' | 'heater_bed'
type Words = Map<string, string>

/**
 * Executes g-code in real time, one command at a time: as in Klipper, whoever comes second waits for the one mutex,
 * so that a command sent during `M109` is answered only when the temperature is reached.
 */
export class GcodeMachine {
  readonly #objects: PrinterObjects
  readonly #hooks: GcodeHooks
  readonly #heatingCelsiusPerSecond: number
  #halted = new AbortController()
  #queue: Promise<unknown> = Promise.resolve()
  #relativeExtrusion = false
  #feedrateMmPerSecond = 25
  #owedMs = 0

  constructor(objects: PrinterObjects, hooks: GcodeHooks, heatingCelsiusPerSecond: number) {
    this.#objects = objects
    this.#hooks = hooks
    this.#heatingCelsiusPerSecond = heatingCelsiusPerSecond
  }

  /** Runs `work` when everything before it is done. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work)
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  runScript(script: string): Promise<void> {
    return this.exclusive(async () => {
      for (const line of script.split('\n')) await this.execute(line)
    })
  }

  /** Ends every wait with an error and refuses what comes, as a shut down Klipper does. */
  halt(): void {
    this.#halted.abort()
  }

  /** Moves the temperatures by one step of simulated physics. */
  heat(seconds: number): void {
    for (const name of ['extruder', 'heater_bed'] as const) {
      const heater = this.#objects[name]
      const goal = heater.target > 0 && !this.#halted.signal.aborted ? heater.target : AMBIENT_CELSIUS
      const step = this.#heatingCelsiusPerSecond * seconds
      heater.temperature += Math.max(-step, Math.min(step, goal - heater.temperature))
      heater.power = heater.target > 0 ? 0.5 : 0
    }
  }

  /** Executes one line; the caller holds the mutex. */
  async execute(line: string): Promise<void> {
    const text = (line.split(';')[0] ?? '').trim()
    if (text === '') return
    const name = (text.split(/\s/)[0] ?? '').toUpperCase()
    if (this.#halted.signal.aborted && !/^(FIRMWARE_)?RESTART$/.test(name)) {
      throw new Error(this.#objects.webhooks.state_message)
    }
    const extended = /^[A-Z_]{3,}$/.test(name)
    const words = extended ? extendedWords(text) : classicWords(text)
    await this.#command(name, words, text)
  }

  async #command(name: string, words: Words, text: string): Promise<void> {
    switch (name) {
      case 'G0':
      case 'G1':
        return this.#move(words)
      case 'G4':
        return this.#wait(Number(words.get('P') ?? Number(words.get('S') ?? 0) * 1000))
      case 'G92':
        this.#objects.toolhead.position = this.#target(words)
        return
      case 'G28':
        this.#objects.toolhead.homed_axes = 'xyz'
        return
      case 'M82':
      case 'M83':
        this.#relativeExtrusion = name === 'M83'
        return
      case 'M104':
      case 'M109':
        return this.#setHeater('extruder', Number(words.get('S') ?? 0), name === 'M109')
      case 'M140':
      case 'M190':
        return this.#setHeater('heater_bed', Number(words.get('S') ?? 0), name === 'M190')
      case 'M73':
        this.#objects.display_status.progress = Number(words.get('P') ?? 0) / 100
        return
      case 'M117':
        this.#objects.display_status.message = text.slice(5) || null
        return
      default:
        return this.#extendedCommand(name, words, text)
    }
  }

  async #extendedCommand(name: string, words: Words, text: string): Promise<void> {
    switch (name) {
      case 'SET_HEATER_TEMPERATURE':
        return this.#setHeaterByName(words.get('HEATER') ?? '', Number(words.get('TARGET') ?? 0))
      case 'TURN_OFF_HEATERS':
        this.#objects.extruder.target = 0
        this.#objects.heater_bed.target = 0
        return
      case 'SET_PRINT_STATS_INFO': {
        this.#setLayers(words)
        return
      }
      case 'SDCARD_PRINT_FILE':
        return this.#hooks.printFile(words.get('FILENAME') ?? '')
      case 'SDCARD_RESET_FILE': {
        this.#hooks.resetFile()
        return
      }
      case 'PAUSE': {
        this.#hooks.pause()
        return
      }
      case 'RESUME': {
        this.#hooks.resume()
        return
      }
      case 'CANCEL_PRINT': {
        this.#hooks.cancel()
        return
      }
      case 'RESTART':
      case 'FIRMWARE_RESTART': {
        this.#hooks.restart()
        return
      }
      case 'M112': {
        this.#hooks.shutdown('Shutdown due to M112 command')
        return
      }
      default:
        if (!/^[MT]\d+|^G(90|91|92|21)$/.test(name)) this.#hooks.respond(`// Unknown command:"${text}"`)
    }
  }

  async #move(words: Words): Promise<void> {
    const position = this.#objects.toolhead.position
    const feedrate = words.get('F')
    if (feedrate !== undefined) this.#feedrateMmPerSecond = Math.max(Number(feedrate) / 60, 0.1)
    const next = this.#target(words)
    const [x = 0, y = 0, z = 0, e = 0] = position
    const [nextX = 0, nextY = 0, nextZ = 0, toE = 0] = next
    const extruded = words.has('E') ? (this.#relativeExtrusion ? toE : toE - e) : 0
    const lengthMm = Math.hypot(nextX - x, nextY - y, nextZ - z) || Math.abs(extruded)
    this.#objects.toolhead.position = [nextX, nextY, nextZ, e + extruded]
    if (this.#objects.virtual_sdcard.is_active) this.#objects.print_stats.filament_used += Math.max(extruded, 0)
    await this.#wait((lengthMm / this.#feedrateMmPerSecond) * 1000)
  }

  #target(words: Words): number[] {
    return this.#objects.toolhead.position.map((at, axis) => Number(words.get('XYZE'[axis] ?? '') ?? at))
  }

  #setLayers(words: Words): void {
    const { info } = this.#objects.print_stats
    const total = words.get('TOTAL_LAYER')
    const current = words.get('CURRENT_LAYER')
    this.#objects.print_stats.info = {
      total_layer: total === undefined ? info.total_layer : Number(total),
      current_layer: current === undefined ? info.current_layer : Number(current),
    }
  }

  #setHeaterByName(heater: string, celsius: number): Promise<void> {
    if (heater !== 'extruder' && heater !== 'heater_bed') {
      throw new Error(`The value '${heater}' is not valid for HEATER`)
    }
    return this.#setHeater(heater, celsius, false)
  }

  async #setHeater(heater: Heater, celsius: number, wait: boolean): Promise<void> {
    if (celsius < 0 || celsius > 300) {
      throw new Error(`Requested temperature (${celsius.toFixed(1)}) out of range (0.0:300.0)`)
    }
    this.#objects[heater].target = celsius
    while (wait && Math.abs(this.#objects[heater].temperature - celsius) > 1) await this.#wait(TICK_SECONDS * 1000)
  }

  async #wait(milliseconds: number): Promise<void> {
    this.#owedMs += milliseconds
    if (this.#owedMs < SHORTEST_WAIT_MS) return
    const wait = this.#owedMs
    this.#owedMs = 0
    try {
      await delay(wait, undefined, { signal: this.#halted.signal })
    } catch {
      throw new Error(this.#objects.webhooks.state_message)
    }
  }
}

function classicWords(text: string): Words {
  return new Map(
    [...text.matchAll(/([A-Z])\s*(-?[\d.]+)/gi)].map(([, key = '', value = '']) => [key.toUpperCase(), value]),
  )
}

function extendedWords(text: string): Words {
  const pairs = text.matchAll(/([A-Z_]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))/gi)
  return new Map(
    [...pairs].map(([, key = '', quoted, bare]) => [key.toUpperCase(), (quoted ?? bare ?? '').replaceAll('\\"', '"')]),
  )
}
