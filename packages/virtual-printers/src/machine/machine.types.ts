import type { EventEmitter } from 'node:events'
import type { GcodeSource } from './gcode-source.js'

/** `shutdown` is the firmware's stop (emergency stop, fault); only `restart()` leaves it. */
export type MachineState =
  'operational' | 'starting' | 'printing' | 'pausing' | 'paused' | 'resuming' | 'cancelling' | 'finishing' | 'shutdown'

export type Bed = 'clear' | 'occupied'
export type PrintOutcome = 'done' | 'failed' | 'cancelled'
/** Who asked: the printer host's API, or a person at the printer. */
export type Actor = 'host' | 'panel'

export interface HeaterReading {
  readonly actualCelsius: number
  /** 0 when off. */
  readonly targetCelsius: number
  /** Heater power, 0–1. */
  readonly power: number
}

export interface Position {
  readonly x: number
  readonly y: number
  readonly z: number
  readonly e: number
}

/** One print, running or ended; a fresh value at every read. */
export interface PrintJob {
  readonly name: string
  readonly startedBy: Actor
  readonly sizeBytes: number
  /** Bytes of the file executed. */
  readonly positionBytes: number
  /** Share of the file's bytes executed, 0–1. */
  readonly progress: number
  /** Unix ms. */
  readonly startedAtMs: number
  /** Unix ms; null while running. */
  readonly endedAtMs: number | null
  /** Machine seconds without pauses. */
  readonly printTimeSeconds: number
  /** Machine seconds with pauses. */
  readonly totalTimeSeconds: number
  /** Machine seconds since the first extrusion, without pauses; 0 before it (Klipper's print_duration). */
  readonly extrusionTimeSeconds: number
  /** 1-based; null before the first layer. */
  readonly layer: number | null
  readonly totalLayers: number | null
  /** From M73 P, 0–1. */
  readonly m73Progress: number | null
  /** From M73 R. */
  readonly m73RemainingSeconds: number | null
  readonly filamentUsedMm: number
  readonly outcome: PrintOutcome | null
  /** Why it failed; null otherwise. */
  readonly failure: string | null
}

/** What the file needs, as its slicer wrote it, against what the machine has. */
export interface Mismatch {
  readonly material: { readonly has: string; readonly needs: string } | null
  readonly nozzleMm: { readonly has: number; readonly needs: number } | null
}

/** One line of the machine's own book of starts. */
export interface StartRecord {
  readonly name: string
  readonly startedBy: Actor
  /** Unix ms. */
  readonly startedAtMs: number
  readonly bedWasOccupied: boolean
  /** Where the file asks for something else than the machine has; null when they fit, or when either does not say. */
  readonly mismatch: Mismatch | null
  /** 1 for the first start of this name, 2 for the second, … */
  readonly startOfName: number
  endedAtMs: number | null
  outcome: PrintOutcome | null
  filamentUsedMm: number
}

/** What the machine itself saw, whatever a server believes. The first four must stay 0. */
export interface MachineCounts {
  readonly startsOnOccupiedBed: number
  /** Starts of a name that had been started before on this machine. */
  readonly secondStarts: number
  /** G-code lines from outside while a print ran (paused not included; M112 never counts). */
  readonly gcodeWhilePrinting: number
  /** Starts of files that ask for another material or another nozzle. */
  readonly mismatchedStarts: number
  readonly starts: number
  readonly done: number
  readonly failed: number
  readonly cancelled: number
  readonly filamentUsedMm: number
  readonly startsByName: Readonly<Record<string, number>>
}

export interface MachineEvents {
  stateChanged: [state: MachineState, previous: MachineState]
  printStarted: [job: PrintJob]
  printPaused: [job: PrintJob]
  printResumed: [job: PrintJob]
  printDone: [job: PrintJob]
  printFailed: [job: PrintJob]
  printCancelled: [job: PrintJob]
  layerChanged: [layer: number]
  /** A heater's target changed; `heater` is `tool0`, `tool1`, … or `bed`. Actual values are sampled by reading. */
  targetChanged: [heater: string, targetCelsius: number]
  /** Text of M117. */
  message: [text: string]
  filamentChange: []
  bedChanged: [bed: Bed]
  /** A g-code command that the firmware does not know; printing goes on. */
  unknownCommand: [command: string]
}

export type MachineErrorCode = 'busy' | 'notPrinting' | 'notPaused' | 'shutdown' | 'queueFull'

/** A command that the machine's state does not allow. */
export class MachineError extends Error {
  constructor(
    readonly code: MachineErrorCode,
    message: string,
  ) {
    super(message)
    this.name = 'MachineError'
  }
}

/** One printer behind any host protocol. Commands act at once or throw `MachineError`; their effects follow in time. */
export interface VirtualMachine extends Pick<EventEmitter<MachineEvents>, 'on' | 'off' | 'once'> {
  readonly name: string
  readonly state: MachineState
  /** Text of the last shutdown; null otherwise. */
  readonly shutdownReason: string | null
  readonly bed: Bed
  /** What the person loaded; null when nobody knows. Starts are judged by it and by the nozzle, and carried out anyway. */
  material: string | null
  nozzleMm: number | null
  /** True in every state from `starting` to `finishing`, `paused` included. */
  readonly busy: boolean
  /** The running print. */
  readonly job: PrintJob | null
  /** The last print that ended. */
  readonly lastJob: PrintJob | null
  /** `tool0`… and `bed`. */
  readonly heaters: Readonly<Record<string, HeaterReading>>
  /** False after a runout, until the print goes on or another one begins. */
  readonly filamentLoaded: boolean
  readonly activeTool: number
  readonly position: Position
  /** Lower case letters of the homed axes, such as `xyz`. */
  readonly homedAxes: string
  /** Feed rate in mm/s of the last move, before the factor. */
  readonly feedRateMmPerSecond: number
  /** M220, 1 = 100 %. */
  readonly speedFactor: number
  /** M221, 1 = 100 %. */
  readonly flowFactor: number
  /** Part fan, 0–1. */
  readonly fan: number
  /** Text of the last M117. */
  readonly displayMessage: string | null
  readonly counts: MachineCounts
  readonly starts: readonly StartRecord[]
  /** True while commands from outside (`sendGcode`) run without a print. */
  readonly executingManualGcode: boolean

  /** What a person does: takes the print off the bed. */
  clearBed(): void
  /**
   * Starts a print; the machine owns and closes `source`, also when it throws.
   * Prints on an occupied bed all the same, as a real machine would, and counts it.
   * @throws MachineError `busy` or `shutdown`
   */
  start(name: string, source: GcodeSource, startedBy?: Actor): void
  /** Takes effect at the end of the line in execution. @throws MachineError `notPrinting` */
  pause(): void
  /** The filament has run out: the print pauses by itself. @throws MachineError `notPrinting` */
  runOut(): void
  /** @throws MachineError `notPaused` */
  resume(): void
  /** Takes effect at the end of the line in execution (heating waits may be left at once, by option). @throws MachineError `notPrinting` */
  cancel(): void
  /** The stop button on the printer's screen; nothing when no print runs. */
  cancelAtPanel(): void
  /** A print that the server did not order. @throws as `start` */
  startAtPanel(name: string, source: GcodeSource): void
  /** Ends the print as done, as if the rest of its file had been executed. @throws MachineError `notPrinting` */
  finishPrint(): void
  /** Ends the print as failed and leaves the machine usable, such as a lost serial link. Nothing when no print runs. */
  failPrint(reason: string): void
  /** At once: heaters off, print failed, state `shutdown`. */
  emergencyStop(reason: string): void
  /** Leaves `shutdown`, and ends a running print as failed (a firmware restart does). */
  restart(): void
  /**
   * Executes commands from outside, one per line, between the lines of a running print.
   * Resolves when the last one was executed; rejects when the machine stops meanwhile.
   * @throws MachineError `shutdown`, or `queueFull` above 10,000 lines waiting
   */
  sendGcode(script: string): Promise<void>
  turnOffHeaters(): void
  /** Ends timers and any print, without events. */
  stop(): void
}

export interface MachineOptions {
  readonly name: string
  readonly nozzles?: number
  /** @default null, unknown */
  readonly material?: string | null
  /** @default null, unknown */
  readonly nozzleMm?: number | null
  /** True: a cancel leaves M109/M190 at once (OctoPrint aborts heat-ups). False: it waits (Klipper). @default true */
  readonly cancelAbortsHeating?: boolean
}
