import { EventEmitter } from 'node:events'
import type { FileStore, StoredFile } from '../files/file-store.js'
import type { Clock } from '../machine/clock.js'
import type { MachineState, PrintJob, VirtualMachine } from '../machine/machine.types.js'
import { ApiError } from './api-error.js'
import { PrintRecords } from './print-records.js'
import { stateId, stateText, type Link } from './state-view.js'

export const SERIAL_PORT = 'VIRTUAL'
export const BAUD_RATE = 115_200

/** The program between the API and the machine: serial link, selection, print records, events. */
export class OctoPrintInstance extends EventEmitter<{ event: [type: string, payload: object] }> {
  readonly records = new PrintRecords()
  link: Link = 'connected'
  selected: StoredFile | null = null
  errorText = ''
  jobUser: string | null = null
  /** True after a good print, until another file is selected. */
  keepsProgress = false
  #z: number | null = null
  /** While the process restarts nobody is there to note what the machine does. */
  #down = false

  constructor(
    readonly machine: VirtualMachine,
    readonly store: FileStore,
    readonly clock: Clock,
  ) {
    super()
    machine.on('stateChanged', (state) => this.#onState(state))
    machine.on('printStarted', (job) => this.fire('PrintStarted', this.#jobPayload(job)))
    machine.on('printPaused', (job) => this.fire('PrintPaused', this.#jobPayload(job)))
    machine.on('printResumed', (job) => this.fire('PrintResumed', this.#jobPayload(job)))
    machine.on('printDone', (job) => this.#onDone(job))
    machine.on('printCancelled', (job) => this.#onCancelled(job))
    machine.on('printFailed', (job) => this.#onFailed(job, 'error'))
    machine.on('filamentChange', () => this.fire('FilamentChange', {}))
    machine.on('layerChanged', () => this.#onLayer())
  }

  /** Printing or paused, in OctoPrint's sense: any passing state counts. */
  get hasActiveJob(): boolean {
    return this.machine.state !== 'operational' && this.machine.state !== 'shutdown'
  }

  fire(type: string, payload: object): void {
    if (!this.#down) this.emit('event', type, payload)
  }

  isBusyWith(path: string): boolean {
    return this.hasActiveJob && this.machine.job?.name === path
  }

  /** @throws ApiError 409 */
  requireOperational(): void {
    if (this.link !== 'connected') throw new ApiError(409, 'Printer is not operational')
  }

  select(file: StoredFile, user: string | null): void {
    this.selected = file
    this.jobUser = user
    this.keepsProgress = false
    this.fire('FileSelected', { ...filePayload(file), size: file.sizeBytes })
  }

  unselect(): void {
    if (!this.selected) return
    this.selected = null
    this.keepsProgress = false
    this.fire('FileDeselected', {})
  }

  /** Starts the selected file; nothing when none is selected. @throws MachineError */
  startSelected(by: 'host' | 'panel' = 'host'): void {
    const file = this.selected
    const source = file && this.store.open(file.path)
    if (!file || !source) return
    this.keepsProgress = false
    if (by === 'panel') this.machine.startAtPanel(file.path, source)
    else this.machine.start(file.path, source)
  }

  connect(): void {
    if (this.link === 'connected') return
    this.fire('Connecting', {})
    // Opening the serial port resets the board.
    if (this.machine.state === 'shutdown') this.machine.restart()
    this.link = 'connected'
    this.errorText = ''
    this.fire('Connected', { port: SERIAL_PORT, baudrate: BAUD_RATE })
    this.#fireState(this.machine.state)
  }

  disconnect(): void {
    if (this.link === 'closed') return
    this.fire('Disconnecting', {})
    this.machine.failPrint('the serial link was closed')
    this.link = 'closed'
    this.errorText = ''
    this.unselect()
    this.#fireState(this.machine.state)
    this.fire('Disconnected', {})
  }

  /** The process ends: a print dies with it and is noted nowhere. */
  shutDown(reason: string): void {
    this.#down = true
    this.machine.failPrint(reason)
    this.selected = null
    this.keepsProgress = false
  }

  /** The process is back and connects by itself. */
  comeBack(): void {
    if (this.machine.state === 'shutdown') this.machine.restart()
    this.#down = false
    this.link = 'connected'
    this.errorText = ''
  }

  #onState(state: MachineState): void {
    if (state === 'shutdown') this.#linkFailed()
    else if (this.link === 'connected') this.#fireState(state)
    if (state === 'cancelling' && this.machine.job) this.fire('PrintCancelling', this.#jobPayload(this.machine.job))
  }

  #fireState(state: MachineState): void {
    this.fire('PrinterStateChanged', { state_id: stateId(this.link, state), state_string: stateText(this.link, state) })
  }

  #linkFailed(): void {
    const reason = this.machine.shutdownReason ?? 'unknown'
    this.link = 'failed'
    this.errorText = `The firmware halted: ${reason}`
    this.fire('Error', { error: this.errorText, reason: 'firmware', consequence: 'emergency' })
    this.unselect()
    this.#fireState('shutdown')
    this.fire('Disconnected', {})
  }

  #onDone(job: PrintJob): void {
    this.keepsProgress = true
    this.#log(job, true)
    this.fire('PrintDone', { ...this.#jobPayload(job), time: job.printTimeSeconds })
  }

  #onCancelled(job: PrintJob): void {
    // The stock "after print cancelled" script.
    this.machine.turnOffHeaters()
    const payload = { ...this.#jobPayload(job), time: job.printTimeSeconds }
    this.fire('PrintCancelled', {
      ...payload,
      fileposition: job.positionBytes,
      progress: Math.floor(job.progress * 100),
    })
    this.#onFailed(job, 'cancelled')
  }

  #onFailed(job: PrintJob, reason: 'cancelled' | 'error'): void {
    this.#log(job, false)
    this.fire('PrintFailed', { ...this.#jobPayload(job), time: job.printTimeSeconds, reason })
  }

  #log(job: PrintJob, success: boolean): void {
    if (!this.#down && this.store.get(job.name)) {
      this.records.log(job.name, success, job.printTimeSeconds, this.clock.wallMs())
    }
  }

  #onLayer(): void {
    const z = this.machine.position.z
    this.fire('ZChange', { new: z, old: this.#z })
    this.#z = z
  }

  #jobPayload(job: PrintJob): object {
    const name = job.name.split('/').at(-1)
    return { name, path: job.name, origin: 'local', size: job.sizeBytes, owner: this.jobUser, user: this.jobUser }
  }
}

export function filePayload(file: StoredFile): { name: string; path: string; origin: string } {
  return { name: file.path.split('/').at(-1) ?? file.path, path: file.path, origin: 'local' }
}
