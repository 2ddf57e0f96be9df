import { EventEmitter } from 'node:events'
import { MachineError, type MachineState, type VirtualMachine } from '../machine/machine.types.js'
import type { Scheduler } from '../machine/scheduler.js'
import { type PrintReading, PrintStats } from './print-stats.js'
import type { ServedFiles } from './served-files.js'
import { ServerError } from './server-error.js'

export type KlippyState = 'disconnected' | 'startup' | 'ready' | 'shutdown'

interface KlippyEvents {
  ready: []
  shutdown: []
  disconnected: []
  /** One line of the g-code console; `!!` marks an error, `//` information. */
  response: [line: string]
  printChanged: [reading: PrintReading]
}

export interface KlippyOptions {
  readonly machine: VirtualMachine
  readonly files: ServedFiles
  readonly scheduler: Scheduler
  /** Wall ms from losing Klippy to `ready` in a restart. */
  readonly restartMs: number
}

const STATE_TEXT = {
  ready: 'Printer is ready',
  startup:
    'Printer is not ready\nThe klippy host software is attempting to connect.  Please\nretry in a few moments.\n',
  disconnected: 'Klippy Disconnected',
} as const

const ENDING_STATES: ReadonlySet<MachineState> = new Set(['cancelling', 'finishing'])
/** States in which the machine takes no pause; Klipper would simply wait for the command in execution. */
const PASSING_STATES: ReadonlySet<MachineState> = new Set([...ENDING_STATES, 'resuming'])

const SHUTDOWN_ADVICE =
  'Once the underlying issue is corrected, use the\n"FIRMWARE_RESTART" command to reset the firmware, reload the\n' +
  'config, and restart the host software.\nPrinter is shutdown\n'

/** Klipper's host process in front of the machine: connection, states, print commands and the console. */
export class Klippy extends EventEmitter<KlippyEvents> {
  readonly printStats: PrintStats
  /** Klipper's `pause_resume.is_paused`: set by PAUSE even when nothing prints, left by RESUME and CANCEL_PRINT. */
  isPaused = false
  #connection: 'disconnected' | 'startup' | 'connected' = 'connected'
  #endRestart: (() => void) | null = null
  readonly #losses = new Set<(error: ServerError) => void>()
  readonly #stateWaiters = new Set<() => void>()

  constructor(private readonly options: KlippyOptions) {
    super()
    const { machine } = options
    this.printStats = new PrintStats(machine, (reading) => this.emit('printChanged', reading))
    machine.on('stateChanged', (state) => {
      for (const check of [...this.#stateWaiters]) check()
      if (state === 'shutdown' && this.isConnected) this.emit('shutdown')
    })
    machine.on('printPaused', () => (this.isPaused = true))
    machine.on('printDone', () => this.respond('Done printing file'))
    machine.on('printFailed', (job) => this.respond(`!! ${job.failure ?? 'Print failed'}`))
    machine.on('unknownCommand', (command) => this.respond(`// Unknown command:"${command}"`))
  }

  get isConnected(): boolean {
    return this.#connection !== 'disconnected'
  }

  get state(): KlippyState {
    if (this.#connection !== 'connected') return this.#connection
    return this.options.machine.state === 'shutdown' ? 'shutdown' : 'ready'
  }

  get stateMessage(): string {
    const { state } = this
    if (state !== 'shutdown') return STATE_TEXT[state]
    return `${this.options.machine.shutdownReason ?? 'Shutdown'}\n${SHUTDOWN_ADVICE}`
  }

  respond(line: string): void {
    if (this.isConnected) this.emit('response', line)
  }

  /** @throws {ServerError} 503 while Klippy is away */
  requireConnection(): void {
    if (!this.isConnected) throw new ServerError('Klippy Host not connected', 503)
  }

  /** @throws {ServerError} 503 while Klippy is away, 400 with the state's text while it takes no g-code */
  requireReady(): void {
    this.requireConnection()
    if (this.state !== 'ready') throw new ServerError(this.stateMessage)
  }

  /**
   * Starts a stored file. A paused print does not count as busy: Klipper drops it for the new one.
   * @throws {ServerError} 400 "SD busy" or "Unable to open file"
   */
  async startPrint(filename: string): Promise<void> {
    const { machine, files } = this.options
    this.requireReady()
    if (machine.busy && machine.state !== 'paused') throw new ServerError('SD busy')
    await this.resetFile()
    const path = files.findPrintable(filename)
    const source = files.store.open(`gcodes/${path}`)
    if (!source) throw new ServerError('Unable to open file')
    const name = filename.replace(/^\//, '')
    this.respond(`File opened:${name} Size:${source.sizeBytes}`)
    this.respond('File selected')
    guarded(this, () => machine.start(name, source))
  }

  /** `SDCARD_RESET_FILE`: stops a print that is there and forgets its outcome. */
  async resetFile(): Promise<void> {
    this.requireReady()
    if (this.options.machine.busy) await this.#stopPrint()
    this.printStats.reset()
  }

  /** Answers when the print stands; nothing to pause is no error. */
  async pause(): Promise<void> {
    const { machine } = this.options
    this.requireReady()
    if (this.isPaused) {
      this.respond('// Print already paused')
      return
    }
    if (PASSING_STATES.has(machine.state)) await this.#until(() => !PASSING_STATES.has(machine.state))
    if (!machine.busy) this.respond('// action:paused')
    else if (machine.state !== 'paused') {
      guarded(this, () => machine.pause())
      await this.#until(() => machine.state !== 'pausing')
    }
    this.isPaused = true
  }

  /** Nothing to resume is no error. */
  resume(): void {
    const { machine } = this.options
    this.requireReady()
    if (!this.isPaused) {
      this.respond('// Print is not paused, resume aborted')
      return
    }
    if (machine.state === 'paused') guarded(this, () => machine.resume())
    else this.respond('// action:resumed')
    this.isPaused = false
  }

  /** Answers when the print has ended; nothing to cancel is no error. */
  async cancel(): Promise<void> {
    this.requireReady()
    if (this.options.machine.busy) await this.#stopPrint()
    else this.respond('// action:cancel')
    this.isPaused = false
  }

  /** At once, past every queue. @throws {ServerError} 503 while Klippy is away */
  emergencyStop(): void {
    this.requireConnection()
    this.options.machine.emergencyStop('Shutdown due to webhooks request')
  }

  /** Klippy goes away and comes back; every subscription dies with it, and a running print is lost. */
  restart(): void {
    this.requireConnection()
    this.disconnect()
    const { machine, scheduler, restartMs } = this.options
    machine.restart()
    this.isPaused = false
    this.printStats.reset()
    const stop = scheduler.every(restartMs / 2, () => {
      if (this.#connection === 'disconnected') {
        this.#connection = 'startup'
        return
      }
      this.#endRestart?.()
      this.#connection = 'connected'
      this.emit(machine.state === 'shutdown' ? 'shutdown' : 'ready')
    })
    this.#endRestart = () => {
      stop()
      this.#endRestart = null
    }
  }

  /** Power fails and comes back: a running print is lost, and Klippy is ready by the time that anybody can ask. */
  powerCycle(): void {
    this.disconnect()
    this.options.machine.restart()
    this.isPaused = false
    this.printStats.reset()
    this.#connection = 'connected'
    this.emit('ready')
  }

  /** Loses the connection for good, as when the host stops; requests in flight fail with 503. */
  disconnect(): void {
    this.#endRestart?.()
    this.#connection = 'disconnected'
    this.emit('disconnected')
    for (const fail of [...this.#losses]) fail(new ServerError('Klippy Disconnected', 503))
  }

  /** Waits for work in the machine, but not longer than Klippy is there. */
  whileConnected<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#losses.add(reject)
      void work
        .then(resolve, (error: unknown) => reject(this.asRefusal(error)))
        .finally(() => this.#losses.delete(reject))
    })
  }

  /** The answer that Klipper gives for a refusal of the machine. */
  asRefusal(error: unknown): Error {
    if (error instanceof MachineError) {
      if (error.code === 'busy') return new ServerError('SD busy')
      return new ServerError(this.state === 'ready' ? error.message : this.stateMessage)
    }
    return error instanceof Error ? error : new Error(String(error))
  }

  async #stopPrint(): Promise<void> {
    const { machine } = this.options
    if (!ENDING_STATES.has(machine.state)) guarded(this, () => machine.cancel())
    await this.#until(() => !machine.busy)
  }

  async #until(isDone: () => boolean): Promise<void> {
    if (isDone()) return
    const settled = new Promise<void>((resolve) => {
      const check = (): void => {
        if (!isDone()) return
        this.#stateWaiters.delete(check)
        resolve()
      }
      this.#stateWaiters.add(check)
    })
    await this.whileConnected(settled)
    this.requireReady()
  }
}

function guarded(klippy: Klippy, command: () => void): void {
  try {
    command()
  } catch (error) {
    throw klippy.asRefusal(error)
  }
}
