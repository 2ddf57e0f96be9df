import type { VirtualMachine } from '../machine/machine.types.js'
import type { Klippy } from './klippy.js'
import { ServerError } from './server-error.js'

type ScriptCommand = (words: Readonly<Record<string, string>>) => Promise<void> | void

/** Executes `printer.gcode.script`: Klipper's own commands here, plain g-code in the machine. */
export class GcodeScript {
  readonly #commands: Readonly<Record<string, ScriptCommand>>

  constructor(
    private readonly klippy: Klippy,
    private readonly machine: VirtualMachine,
  ) {
    this.#commands = {
      SDCARD_PRINT_FILE: ({ FILENAME = '' }) => klippy.startPrint(FILENAME),
      SDCARD_RESET_FILE: () => klippy.resetFile(),
      PAUSE: () => klippy.pause(),
      M25: () => klippy.pause(),
      RESUME: () => klippy.resume(),
      M24: () => klippy.resume(),
      CANCEL_PRINT: () => klippy.cancel(),
      CLEAR_PAUSE: () => void (klippy.isPaused = false),
      TURN_OFF_HEATERS: () => machine.turnOffHeaters(),
      SET_HEATER_TEMPERATURE: (words) => this.#setHeater(words),
      SAVE_GCODE_STATE: () => undefined,
      // Of the saved state only the positioning mode matters here, and Klipper's own is absolute.
      RESTORE_GCODE_STATE: () => this.#send('G90'),
    }
  }

  /**
   * Answers when the last line was executed. Unknown commands are no error, only a console line.
   * @throws {ServerError} 400 with Klipper's text, 503 when Klippy goes away meanwhile
   */
  async run(script: string): Promise<void> {
    this.klippy.requireConnection()
    for (const line of script.split('\n')) {
      const command = line.replace(/;.*/, '').trim()
      if (command !== '') await this.#execute(command)
    }
  }

  async #execute(line: string): Promise<void> {
    const name = (/^[^\s]+/.exec(line)?.[0] ?? '').toUpperCase()
    if (name === 'M112') {
      this.klippy.emergencyStop()
      return
    }
    if (name === 'RESTART' || name === 'FIRMWARE_RESTART') {
      this.klippy.restart()
      throw new ServerError('Klippy Disconnected', 503)
    }
    this.klippy.requireReady()
    const command = this.#commands[name]
    if (command) return command(wordsOf(line))
    this.#requireHomed(name, line)
    return this.#send(line)
  }

  #send(line: string): Promise<void> {
    return this.klippy.whileConnected(Promise.resolve().then(() => this.machine.sendGcode(line)))
  }

  #setHeater({ HEATER = '', TARGET = '0' }: Readonly<Record<string, string>>): Promise<void> {
    if (HEATER === 'heater_bed') return this.#send(`M140 S${TARGET}`)
    const tool = /^extruder(\d*)$/.exec(HEATER)?.[1]
    if (tool === undefined || !(`tool${tool || '0'}` in this.machine.heaters)) {
      throw new ServerError(`The value '${HEATER}' is not valid for HEATER`)
    }
    return this.#send(`M104 T${tool || '0'} S${TARGET}`)
  }

  #requireHomed(name: string, line: string): void {
    if (name !== 'G0' && name !== 'G1') return
    const moved = [...line.toLowerCase().matchAll(/\s([xyz])-?[\d.]/g)].map((match) => match[1] ?? '')
    if (moved.some((axis) => !this.machine.homedAxes.includes(axis))) {
      throw new ServerError('Must home axis first')
    }
  }
}

/** `NAME KEY=value KEY="value with blanks"` → the keys. */
function wordsOf(line: string): Readonly<Record<string, string>> {
  const pairs = line.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))/g)
  return Object.fromEntries(
    [...pairs].map(([, key = '', quoted, plain = '']) => [key.toUpperCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain]),
  )
}
