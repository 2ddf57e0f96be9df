import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PrinterFaults } from '../faults/fault.types.js'
import type { HostKind, VirtualHost } from '../host.js'
import { ScaledClock } from '../machine/clock.js'
import { createMachine } from '../machine/create-machine.js'
import type { StartRecord, VirtualMachine } from '../machine/machine.types.js'
import { TimerWheel } from '../machine/timer-wheel.js'
import { createMoonrakerHost } from '../moonraker/moonraker-host.js'
import { createOctoPrintHost } from '../octoprint/octoprint-host.js'
import { sumCounts, type FleetCounts } from './fleet-counts.js'

const MAX_PRINTERS = 5000
/** So many hosts begin to listen at a time. */
const START_BATCH = 50

export interface FleetOptions {
  /** How many printers behind OctoPrint. @default 0 */
  readonly octoprint?: number
  /** How many printers behind Moonraker. @default 0 */
  readonly moonraker?: number
  /** Machine seconds per wall second. @default 1 */
  readonly speed?: number
  /** Address to listen on. @default '127.0.0.1' */
  readonly host?: string
  /** Wall ms between two reports on a push socket. @default what the real host does */
  readonly reportIntervalMs?: number
  /** Where uploads go, one folder per printer, removed by `stop()`. @default a new folder in the system's temp folder */
  readonly dataDir?: string
  /** True: Moonraker asks for its key, instead of trusting every address as most installations do. @default false */
  readonly requireApiKey?: boolean
  /** The same seed gives the same API keys, and lets faults strike the same calls. @default random */
  readonly seed?: string
  /** What is loaded, dealt out in turn over the printers. @default none: nobody knows, and no start is a mismatch */
  readonly materials?: readonly string[]
  /** Nozzle diameters in mm, dealt out in turn over the printers. @default none, as for materials */
  readonly nozzlesMm?: readonly number[]
}

/** One printer of a fleet. */
export interface FleetPrinter {
  /** `octoprint-1`, `moonraker-1`, … */
  readonly name: string
  readonly kind: HostKind
  readonly url: string
  readonly apiKey: string
  readonly machine: VirtualMachine
  readonly host: VirtualHost
  /** The host's faults. */
  readonly faults: PrinterFaults
}

/** A start of any printer of a fleet. */
export type FleetStart = StartRecord & { readonly printer: string }

/** Printers that share one clock and one timer. */
export interface Fleet extends AsyncDisposable {
  readonly printers: readonly FleetPrinter[]
  readonly speed: number
  /** @throws RangeError outside 0.001 to 100,000 */
  setSpeed(speed: number): void
  /** @throws Error when no printer has this name */
  printer(name: string): FleetPrinter
  /** What a person does: takes the print off the bed. @throws Error when no printer has this name */
  clearBed(name: string): void
  /** A person on a round: clears every bed on which nothing is being printed. @returns the names of those that were occupied */
  clearBeds(): string[]
  /** Every start, in order. */
  starts(): FleetStart[]
  counts(): FleetCounts
  /** Closes every socket and removes every upload; may be called again. */
  stop(): Promise<void>
}

/**
 * Starts printers on free ports.
 * @throws RangeError for numbers that make no fleet; nothing is left listening when a start fails
 */
export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const { octoprint = 0, moonraker = 0 } = options
  for (const count of [octoprint, moonraker]) {
    if (!Number.isInteger(count) || count < 0 || count > MAX_PRINTERS) {
      throw new RangeError(`a fleet has 0 to ${MAX_PRINTERS} printers of a kind, not ${count}`)
    }
  }
  const fleet = new VirtualFleet(options)
  try {
    await fleet.start(octoprint, moonraker)
  } catch (error) {
    await fleet.stop()
    throw error
  }
  return fleet
}

class VirtualFleet implements Fleet {
  readonly #printers: FleetPrinter[] = []
  readonly #clock: ScaledClock
  readonly #scheduler = new TimerWheel()
  readonly #seed: string
  #ownDir: string | null = null
  #stopped: Promise<void> | null = null

  constructor(private readonly options: FleetOptions) {
    this.#clock = new ScaledClock(options.speed ?? 1)
    this.#seed = options.seed ?? randomBytes(16).toString('hex')
  }

  get printers(): readonly FleetPrinter[] {
    return this.#printers
  }

  get speed(): number {
    return this.#clock.speed
  }

  async start(octoprint: number, moonraker: number): Promise<void> {
    const dataDir = this.options.dataDir ?? (this.#ownDir = await mkdtemp(join(tmpdir(), 'virtual-printers-')))
    const wanted = [...numbered('octoprint', octoprint), ...numbered('moonraker', moonraker)]
    for (let from = 0; from < wanted.length; from += START_BATCH) {
      const batch = wanted.slice(from, from + START_BATCH)
      // All of a batch settle, so that a failed one leaves no socket that nobody knows of.
      const started = await Promise.allSettled(
        batch.map((printer, index) => this.#startPrinter(printer, from + index, dataDir)),
      )
      for (const result of started) if (result.status === 'fulfilled') this.#printers.push(result.value)
      const failed = started.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
    }
  }

  setSpeed(speed: number): void {
    this.#clock.setSpeed(speed)
  }

  printer(name: string): FleetPrinter {
    const printer = this.#printers.find((candidate) => candidate.name === name)
    if (!printer) throw new Error(`no printer is named ${JSON.stringify(name)}`)
    return printer
  }

  clearBed(name: string): void {
    this.printer(name).machine.clearBed()
  }

  clearBeds(): string[] {
    const finished = this.#printers.filter(({ machine }) => !machine.busy && machine.bed === 'occupied')
    for (const { machine } of finished) machine.clearBed()
    return finished.map(({ name }) => name)
  }

  starts(): FleetStart[] {
    const all = this.#printers.flatMap(({ name, machine }) =>
      machine.starts.map((start) => ({ ...start, printer: name })),
    )
    return all.sort((a, b) => a.startedAtMs - b.startedAtMs)
  }

  counts(): FleetCounts {
    return sumCounts(this.#printers.map(({ name, machine }) => [name, machine.counts]))
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    for (const { machine } of this.#printers) machine.stop()
    await Promise.all(this.#printers.map(({ host }) => host.stop()))
    if (this.#ownDir !== null) await rm(this.#ownDir, { recursive: true, force: true })
  }

  async #startPrinter({ name, kind }: Named, index: number, dataDir: string): Promise<FleetPrinter> {
    const { host: address, reportIntervalMs, requireApiKey = false, materials, nozzlesMm } = this.options
    const loaded = { material: dealt(materials, index), nozzleMm: dealt(nozzlesMm, index) }
    const machineOptions = { name, cancelAbortsHeating: kind === 'octoprint', ...loaded }
    const machine = createMachine(machineOptions, this.#clock, this.#scheduler)
    const hostOptions = {
      clock: this.#clock,
      scheduler: this.#scheduler,
      dataDir: join(dataDir, name),
      seed: this.#seed,
      apiKey: createHash('sha256').update(`${this.#seed}:${name}`).digest('hex').slice(0, 32),
      ...(address === undefined ? {} : { host: address }),
      ...(reportIntervalMs === undefined ? {} : { reportIntervalMs }),
    }
    const host =
      kind === 'octoprint'
        ? await createOctoPrintHost(machine, hostOptions)
        : await createMoonrakerHost(machine, { ...hostOptions, requireApiKey })
    return { name, kind, url: host.url, apiKey: host.apiKey, machine, host, faults: host.faults }
  }
}

interface Named {
  readonly name: string
  readonly kind: HostKind
}

/** The item for the printer of this number, in turn; null when there are none. */
function dealt<T>(items: readonly T[] = [], index: number): T | null {
  return items[index % items.length] ?? null
}

function numbered(kind: HostKind, count: number): Named[] {
  return Array.from({ length: count }, (_, index) => ({ name: `${kind}-${index + 1}`, kind }))
}
