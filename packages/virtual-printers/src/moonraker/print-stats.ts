import type { MachineState, PrintJob, VirtualMachine } from '../machine/machine.types.js'

export type PrintState = 'standby' | 'printing' | 'paused' | 'complete' | 'cancelled' | 'error'

/** Klipper's `print_stats` and `virtual_sdcard` in one reading. */
export interface PrintReading {
  readonly state: PrintState
  readonly filename: string
  readonly message: string
  /** The job shown, running or ended; null in standby. */
  readonly job: PrintJob | null
}

/**
 * Klipper's memory of the print: the outcome stays until the next print, `SDCARD_RESET_FILE` or a restart.
 * Klipper has no words for pausing, resuming and cancelling, so a print keeps its last plain state meanwhile.
 */
export class PrintStats {
  #state: PrintState = 'standby'
  #message = ''
  #ended: PrintJob | null = null

  /** @param onChange called when the state changed, with the reading after the change */
  constructor(
    private readonly machine: VirtualMachine,
    private readonly onChange: (reading: PrintReading) => void,
  ) {
    machine.on('printStarted', () => this.#enter('printing'))
    machine.on('printPaused', () => this.#enter('paused'))
    machine.on('printResumed', () => this.#enter('printing'))
    machine.on('printDone', (job) => this.#end('complete', job))
    machine.on('printCancelled', (job) => this.#end('cancelled', job))
    machine.on('printFailed', (job) => this.#end(machine.state === 'shutdown' ? 'paused' : 'error', job))
    machine.on('stateChanged', (state, previous) => this.#onMachineState(state, previous))
  }

  read(): PrintReading {
    const running = this.machine.job
    const job = running ?? this.#ended
    if (!job || (!running && this.#state === 'standby'))
      return { state: 'standby', filename: '', message: '', job: null }
    const state = running && this.#state !== 'paused' ? 'printing' : this.#state
    return { state, filename: job.name, message: this.#message, job }
  }

  /** Forgets the last print. */
  reset(): void {
    this.#ended = null
    this.#enter('standby')
  }

  #onMachineState(state: MachineState, previous: MachineState): void {
    // An emergency stop leaves Klipper's print_stats at "paused", whichever event comes first.
    if (state === 'shutdown' && isPrinting(previous)) this.#enter('paused')
  }

  #end(state: PrintState, job: PrintJob): void {
    this.#ended = job
    this.#enter(state, state === 'error' ? (job.failure ?? '') : '')
  }

  #enter(state: PrintState, message = ''): void {
    if (state === 'printing') this.#ended = null
    if (state === this.#state && message === this.#message) return
    this.#state = state
    this.#message = message
    this.onChange(this.read())
  }
}

function isPrinting(state: MachineState): boolean {
  return state !== 'operational' && state !== 'shutdown'
}
