import { EventEmitter } from 'node:events'
import type { Clock } from './clock.js'
import { Firmware } from './firmware.js'
import { parseGcode } from './gcode-line.js'
import type { GcodeSource } from './gcode-source.js'
import { MachineBook } from './machine-book.js'
import { MachineError } from './machine.types.js'
import type {
  Actor,
  Bed,
  HeaterReading,
  MachineCounts,
  MachineEvents,
  MachineOptions,
  MachineState,
  Position,
  PrintJob,
  PrintOutcome,
  StartRecord,
  VirtualMachine,
} from './machine.types.js'
import { ManualQueue } from './manual-queue.js'
import type { Move } from './motion.js'
import { PrintRun } from './print-run.js'
import type { Scheduler } from './scheduler.js'
import { mismatchOf, readRequirements } from './slicer-requirements.js'
import { Timeline } from './timeline.js'

/** Machine ms that a passing state lasts once the line in execution has ended. */
const PASSING_MS = 200

/** Executes one print, or commands from outside, against a clock; at rest it has no timer. */
export class PrinterMachine extends EventEmitter<MachineEvents> implements VirtualMachine {
  readonly name: string
  material: string | null
  nozzleMm: number | null
  displayMessage: string | null = null
  shutdownReason: string | null = null
  lastJob: PrintJob | null = null
  filamentLoaded = true
  #state: MachineState = 'operational'
  #bed: Bed = 'clear'
  #run: PrintRun | null = null
  #waitingForHeat = false
  readonly #time: Timeline
  readonly #manual = new ManualQueue()
  readonly #book = new MachineBook()
  readonly #firmware: Firmware
  readonly #cancelAbortsHeating: boolean

  constructor(
    options: MachineOptions,
    private readonly clock: Clock,
    scheduler: Scheduler,
  ) {
    super()
    this.name = options.name
    this.material = options.material ?? null
    this.nozzleMm = options.nozzleMm ?? null
    this.#cancelAbortsHeating = options.cancelAbortsHeating ?? true
    this.#time = new Timeline(clock, scheduler, () => this.#step())
    this.#firmware = new Firmware(options.nozzles ?? 1, {
      onMove: (move) => this.#onMove(move),
      onPause: (filamentChange) => this.#onPauseCommand(filamentChange),
      onEmergencyStop: () => this.emergencyStop('M112'),
      onTarget: (heater, celsius) => this.emit('targetChanged', heater, celsius),
      onMessage: (text) => this.#onMessage(text),
      onProgress: (progress, remaining) => this.#onProgress(progress, remaining),
      onLayerInfo: (current, total) => this.#layerChanged(this.#run?.layers.info(current, total) ?? false),
      onUnknown: (command) => this.emit('unknownCommand', command),
    })
  }

  get state(): MachineState {
    return this.#state
  }
  get bed(): Bed {
    return this.#bed
  }
  get busy(): boolean {
    return this.#run !== null
  }
  get job(): PrintJob | null {
    return this.#run?.job(this.#time.readMs()) ?? null
  }
  get heaters(): Record<string, HeaterReading> {
    return this.#firmware.heatersAt(this.#time.readMs())
  }
  get activeTool(): number {
    return this.#firmware.activeTool
  }
  get position(): Position {
    return this.#firmware.motion.position
  }
  get homedAxes(): string {
    return this.#firmware.motion.homedAxes
  }
  get feedRateMmPerSecond(): number {
    return this.#firmware.motion.feedMmPerSecond
  }
  get speedFactor(): number {
    return this.#firmware.motion.speedFactor
  }
  get flowFactor(): number {
    return this.#firmware.motion.flowFactor
  }
  get fan(): number {
    return this.#firmware.fan
  }
  get counts(): MachineCounts {
    return this.#book.counts
  }
  get starts(): readonly StartRecord[] {
    return this.#book.starts
  }
  get executingManualGcode(): boolean {
    return this.#run === null && !this.#manual.idle
  }

  clearBed(): void {
    this.#setBed('clear')
  }

  start(name: string, source: GcodeSource, startedBy: Actor = 'host'): void {
    this.#time.advance()
    if (this.#state !== 'operational') {
      source.close()
      const shutdown = this.#state === 'shutdown'
      throw new MachineError(
        shutdown ? 'shutdown' : 'busy',
        shutdown ? (this.shutdownReason ?? '') : 'a print runs already',
      )
    }
    const record = this.#book.started({
      name,
      startedBy,
      startedAtMs: this.clock.wallMs(),
      bedWasOccupied: this.#bed === 'occupied',
      mismatch: mismatchOf(this, readRequirements(source)),
    })
    this.filamentLoaded = true
    this.#run = new PrintRun(record, source, this.#time.timeMs)
    this.#setBed('occupied')
    this.#enter('starting')
    this.#emitJob('printStarted')
    this.#time.workUntil(Math.max(this.#time.timeMs + PASSING_MS, this.#time.stepEndMs))
  }

  startAtPanel(name: string, source: GcodeSource): void {
    this.start(name, source, 'panel')
  }

  pause(): void {
    this.#time.advance()
    if (this.#state !== 'printing' && this.#state !== 'starting') {
      throw new MachineError('notPrinting', 'no print is running')
    }
    this.#enter('pausing')
  }

  runOut(): void {
    this.pause()
    this.filamentLoaded = false
  }

  resume(): void {
    this.#time.advance()
    if (this.#state !== 'paused') throw new MachineError('notPaused', 'no print is paused')
    this.filamentLoaded = true
    this.#run?.resumed(this.#time.timeMs)
    this.#enter('resuming')
    this.#emitJob('printResumed')
    this.#time.workUntil(Math.max(this.#time.timeMs + PASSING_MS, this.#time.stepEndMs))
  }

  cancel(): void {
    this.#time.advance()
    if (this.#run === null || this.#state === 'cancelling' || this.#state === 'finishing') {
      throw new MachineError('notPrinting', 'no print is running')
    }
    const abortWait = this.#waitingForHeat && this.#cancelAbortsHeating
    this.#enter('cancelling')
    this.#time.workUntil(this.#time.resting || abortWait ? this.#time.timeMs + PASSING_MS : this.#time.stepEndMs)
  }

  cancelAtPanel(): void {
    if (this.busy && this.#state !== 'cancelling' && this.#state !== 'finishing') this.cancel()
  }

  finishPrint(): void {
    this.#time.advance()
    if (!this.#run) throw new MachineError('notPrinting', 'no print is running')
    this.#run.skipToEnd()
    this.#enter('finishing')
    // What the end of every file does.
    this.#firmware.turnOffHeaters(this.#time.timeMs)
    this.#endPrint('done', null)
  }

  failPrint(reason: string): void {
    this.#time.advance()
    if (this.#run) this.#endPrint('failed', reason)
  }

  emergencyStop(reason: string): void {
    if (this.#state === 'shutdown') return
    this.shutdownReason = reason
    this.#time.timeMs = this.#time.readMs()
    this.#firmware.turnOffHeaters(this.#time.timeMs)
    this.#firmware.motion.motorsOff()
    this.#endRun('failed', reason)
    this.#time.rest()
    this.#enter('shutdown')
    this.#manual.abort(reason)
  }

  restart(): void {
    this.#time.timeMs = this.#time.readMs()
    this.#endRun('failed', 'firmware restart')
    this.#time.rest()
    this.#manual.abort('firmware restart')
    this.#firmware.turnOffHeaters(this.#time.timeMs)
    this.#firmware.motion.motorsOff()
    this.shutdownReason = null
    this.#enter('operational')
  }

  sendGcode(script: string): Promise<void> {
    this.#time.advance()
    const lines = script.split('\n').filter((line) => parseGcode(line) !== null)
    if (lines.some((line) => parseGcode(line)?.name === 'M112')) {
      this.emergencyStop('M112')
      return Promise.resolve()
    }
    if (this.#state === 'shutdown') throw new MachineError('shutdown', this.shutdownReason ?? '')
    if (this.busy && this.#state !== 'paused') lines.forEach(() => this.#book.gcodeWhilePrinting())
    if (lines.length === 0) return Promise.resolve()
    const done = this.#manual.add(lines)
    if (this.#time.resting) this.#time.workUntil(this.#time.timeMs)
    return done
  }

  turnOffHeaters(): void {
    this.#time.advance()
    this.#firmware.turnOffHeaters(this.#time.timeMs)
  }

  stop(): void {
    this.#time.rest()
    this.removeAllListeners()
    this.#run?.close()
    this.#run = null
    this.#manual.abort('the machine was switched off')
  }

  /** The line or state that was in execution has ended: what comes next? */
  #step(): void {
    this.#waitingForHeat = false
    this.#manual.settle()
    switch (this.#state) {
      case 'starting':
      case 'resuming':
        this.#enter('printing')
        break
      case 'printing':
        this.#nextLine()
        break
      case 'pausing':
        this.#paused()
        break
      case 'cancelling':
        this.#endPrint('cancelled', null)
        break
      case 'finishing':
        this.#endPrint('done', null)
        break
      case 'operational':
      case 'paused':
        if (!this.#nextManualLine()) this.#time.rest()
        break
      case 'shutdown':
        this.#time.rest()
        break
    }
  }

  #nextManualLine(): boolean {
    const line = this.#manual.take()
    if (line !== null) this.#execute(line)
    return line !== null
  }

  #nextLine(): void {
    if (this.#nextManualLine()) return
    const line = this.#run?.reader.next() ?? null
    if (line !== null) {
      if (line.startsWith(';')) this.#layerChanged(this.#run?.layers.comment(line) ?? false)
      else this.#execute(line)
      return
    }
    this.#enter('finishing')
    this.#time.workUntil(this.#time.timeMs + PASSING_MS)
  }

  #execute(line: string): void {
    const command = parseGcode(line)
    if (!command) return
    const durationMs = this.#firmware.execute(command, this.#time.timeMs)
    // The command may have stopped the machine.
    if (this.#time.resting) return
    this.#waitingForHeat = command.name === 'M109' || command.name === 'M190'
    this.#time.workUntil(this.#time.timeMs + durationMs)
  }

  #paused(): void {
    this.#run?.paused(this.#time.timeMs)
    this.#firmware.motion.stop()
    this.#emitJob('printPaused')
    this.#enter('paused')
    this.#time.workUntil(this.#time.timeMs)
  }

  #endPrint(outcome: PrintOutcome, failure: string | null): void {
    this.#endRun(outcome, failure)
    this.#enter('operational')
    // Commands from outside that still wait are executed now.
    this.#waitingForHeat = false
    if (!this.#time.resting) this.#time.workUntil(this.#time.timeMs)
  }

  #endRun(outcome: PrintOutcome, failure: string | null): void {
    const run = this.#run
    if (!run) return
    const wallMs = this.clock.wallMs()
    const job = run.job(this.#time.timeMs, { outcome, failure, wallMs })
    this.#book.ended(run.record, outcome, wallMs, job.filamentUsedMm)
    run.close()
    this.#run = null
    this.lastJob = job
    this.#firmware.motion.stop()
    const event = outcome === 'done' ? 'printDone' : outcome === 'failed' ? 'printFailed' : 'printCancelled'
    this.emit(event, job)
  }

  #enter(state: MachineState): void {
    const previous = this.#state
    if (previous === state) return
    this.#state = state
    this.emit('stateChanged', state, previous)
  }

  #emitJob(event: 'printStarted' | 'printPaused' | 'printResumed'): void {
    if (this.#run) this.emit(event, this.#run.job(this.#time.timeMs))
  }

  #setBed(bed: Bed): void {
    if (this.#bed === bed) return
    this.#bed = bed
    this.emit('bedChanged', bed)
  }

  #onMove(move: Move): void {
    if (move.laysMaterial) this.#setBed('occupied')
    if (move.extrudedMm !== 0) this.#run?.extruded(move.extrudedMm, this.#time.timeMs)
    if (move.laysMaterial) this.#layerChanged(this.#run?.layers.laidAt(this.#firmware.motion.z) ?? false)
  }

  #onPauseCommand(filamentChange: boolean): void {
    if (filamentChange) this.emit('filamentChange')
    if (this.#state === 'printing') this.#enter('pausing')
  }

  #onMessage(text: string): void {
    this.displayMessage = text
    this.emit('message', text)
  }

  #onProgress(progress: number | null, remainingSeconds: number | null): void {
    if (!this.#run) return
    this.#run.m73Progress = progress ?? this.#run.m73Progress
    this.#run.m73RemainingSeconds = remainingSeconds ?? this.#run.m73RemainingSeconds
  }

  #layerChanged(changed: boolean): void {
    const layer = this.#run?.layers.layer ?? null
    if (changed && layer !== null) this.emit('layerChanged', layer)
  }
}
