import type { PrinterKind } from '@gantry/schemas'

import type {
  DriverEvent,
  HistoryEntry,
  HostReport,
  PrintEvidence,
  PrintOutcome,
  RevokeAnswer,
} from '../../modules/printers/printer-driver.port.js'
import type { CallOff } from '../../kernel/index.js'
import type { World } from './world.js'

/** A start of the machine itself: the truth that everything else is judged by. */
export interface Start {
  printer: string
  name: string
  startedBy: 'gantry' | 'person'
  atMs: number
  bedWasOccupied: boolean
  outcome: PrintOutcome | null
}

export interface HostLink {
  emit(event: DriverEvent): void
  /** How prints ended that the host told on this connection. */
  told: Map<string, PrintOutcome>
  hangUp(): void
}

interface Run {
  start: Start
  /** A host shows a print a moment after it began. */
  shown: boolean
  end: CallOff
}

/** What the host shows of the print it works on, or worked on last. */
interface Shown {
  path: string
  outcome: PrintOutcome | null
}

/** How far a host's view may be behind its machine: less than the two readings after a delete cover. */
const SHOWN_WITHIN_MS = 1_900
const PRINT_MS = { gantry: { from: 15_000, to: 60_000 }, person: { from: 70_000, to: 90_000 } }
/** While it prints, a host speaks even when nothing changes. */
const REPORT_EVERY_MS = 2_500

export type StartResult = 'sent' | 'not_found' | 'busy'

/**
 * One printer with its host. What the two kinds differ in is what they remember: OctoPrint keeps the last outcome with
 * the file, which is forgotten with the file, and no print outlives it; Moonraker keeps a history, and Klipper prints on
 * without it.
 */
export class SimulatedHost {
  readonly starts: Start[] = []
  bedOccupied = false
  isAway = false
  private run: Run | null = null
  private shown: Shown | null = null
  private readonly files = new Map<string, PrintOutcome | null>()
  private readonly history = new Map<string, PrintOutcome | null>()
  private readonly links = new Set<HostLink>()

  constructor(
    readonly id: string,
    readonly kind: PrinterKind,
    private readonly world: World,
  ) {}

  get isPrinting(): boolean {
    return this.run !== null
  }

  get running(): Start | null {
    return this.run?.start ?? null
  }

  get fileNames(): string[] {
    return [...this.files.keys()]
  }

  connect(link: HostLink): void {
    this.links.add(link)
  }

  disconnect(link: HostLink): void {
    this.links.delete(link)
  }

  report(): HostReport {
    const run = this.run?.shown === true ? this.run : null
    const job = this.shown && {
      ...{ remotePath: this.shown.path, hostJobRef: null, progress: null, elapsedSeconds: null },
      ...{ remainingSeconds: null, layer: null, layerCount: null, filamentUsedMm: null },
    }
    const state = run !== null ? 'printing' : this.shown === null ? 'idle' : 'finished'
    return {
      ...{ observed: state, state, printerConnected: true, busyDetail: null, attention: null, heaters: [] },
      job: this.shown === null ? null : job,
    }
  }

  store(name: string): 'stored' | 'exists' {
    if (this.files.has(name)) return 'exists'
    this.files.set(name, null)
    return 'stored'
  }

  start(name: string, startedBy: Start['startedBy']): StartResult {
    if (this.run !== null) return 'busy'
    if (startedBy === 'gantry' && !this.files.has(name)) return 'not_found'
    if (startedBy === 'person') this.files.set(name, null)
    const atMs = this.world.nowMs
    const start: Start = {
      ...{ printer: this.id, name, startedBy, atMs, bedWasOccupied: this.bedOccupied, outcome: null },
    }
    this.starts.push(start)
    this.bedOccupied = true
    this.world.tell(`${this.id} starts ${name} for ${startedBy === 'gantry' ? 'Gantry' : 'a person'}`)
    const luck = this.world.chance(`outcome on ${this.id}`)
    const outcome = luck < 0.85 ? 'completed' : luck < 0.93 ? 'failed' : 'cancelled'
    const { from, to } = PRINT_MS[startedBy]
    const lasts = this.world.between(`print on ${this.id}`, from, to)
    const run: Run = { start, shown: false, end: this.world.at(atMs + lasts, () => this.finish(outcome)) }
    this.run = run
    const behind = this.world.chance(`view of ${this.id}`) < 0.3 ? SHOWN_WITHIN_MS : 50
    this.world.at(atMs + this.world.between(`view of ${this.id} behind`, 0, behind), () => this.show(run))
    return 'sent'
  }

  /** The print ends as that, told to whoever is connected and kept as the host keeps it. */
  finish(outcome: PrintOutcome): void {
    const { run } = this
    if (run === null) return
    const { name } = run.start
    this.over(run, outcome)
    this.shown = { path: name, outcome }
    if (this.files.has(name)) this.files.set(name, outcome)
    this.history.set(name, outcome)
    for (const link of this.links) {
      link.told.set(name, outcome)
      link.emit({
        ...{ type: 'printEnded', remotePath: name, hostJobRef: null, outcome, detail: null },
        ...{ printSeconds: null, filamentUsedMm: null },
      })
    }
    this.tellReport()
  }

  cancel(name: string): 'cancelling' | 'other' {
    if (this.run?.shown !== true || this.run.start.name !== name) return 'other'
    const { run } = this
    this.world.at(this.world.nowMs + this.world.between(`cancel on ${this.id}`, 100, 5_000), () => {
      if (this.run === run) this.finish('cancelled')
    })
    return 'cancelling'
  }

  /** A file that is printed cannot be deleted, once the host itself knows that it is printed. */
  delete(name: string): RevokeAnswer {
    if (this.run?.shown === true && this.run.start.name === name) return 'in_use'
    if (!this.files.delete(name)) return 'absent'
    if (this.kind === 'octoprint' && this.shown?.path === name) this.shown = null
    this.world.tell(`${this.id} deletes ${name}`)
    return 'deleted'
  }

  /** Newest first: the machine's own order, of what this kind of host remembers. */
  get past(): HistoryEntry[] {
    const remembered = this.kind === 'moonraker' ? this.history : this.files
    return [...remembered].reverse().flatMap(([remotePath, outcome]) => {
      const entry = { remotePath, hostJobRef: null, startedAt: null, endedAt: null }
      return outcome === null ? [] : [{ ...entry, outcome }]
    })
  }

  evidence(name: string, told: ReadonlyMap<string, PrintOutcome>): PrintEvidence {
    const isShown = this.shown?.path === name
    if (isShown && this.run?.shown === true) return { kind: 'active', hostJobRef: null }
    if (this.kind === 'moonraker') {
      const outcome = (isShown ? this.shown?.outcome : null) ?? this.history.get(name)
      if (outcome === null) return { kind: 'active', hostJobRef: null }
      return outcome === undefined ? { kind: isShown ? 'touched' : 'none' } : ended(outcome)
    }
    const outcome = told.get(name)
    if (outcome !== undefined) return ended(outcome)
    const last = this.files.get(name)
    if (last != null) return ended(last === 'completed' ? 'completed' : 'failed')
    if (!isShown) return { kind: 'none' }
    return this.shown?.outcome === 'completed' ? ended('completed') : { kind: 'touched' }
  }

  /** Its network is gone; the machine goes on. */
  goAway(): void {
    this.isAway = true
    this.world.tell(`${this.id} is away`)
    this.cutAll()
  }

  comeBack(): void {
    this.isAway = false
    this.world.tell(`${this.id} is back`)
  }

  cutAll(): void {
    for (const link of [...this.links]) link.hangUp()
    this.links.clear()
  }

  /**
   * Host and machine lose their power: a print ends where it is. What Moonraker writes of it later is only that it was
   * interrupted; OctoPrint writes nothing. Of a print of people's own that nobody saw, people take the remains along.
   */
  losePower(): void {
    const isUnseen = this.links.size === 0 && this.run?.start.startedBy === 'person'
    this.world.tell(`${this.id} loses its power`)
    this.cutAll()
    this.shown = null
    if (this.run === null) return
    if (this.kind === 'moonraker') this.history.set(this.run.start.name, 'failed')
    this.over(this.run, 'failed')
    if (isUnseen) this.bedOccupied = false
  }

  /** The host's program restarts. Klipper prints on behind Moonraker; a print of OctoPrint's ends with it. */
  restart(): void {
    if (this.kind === 'octoprint') return this.losePower()
    this.world.tell(`${this.id} restarts`)
    this.cutAll()
  }

  private show(run: Run): void {
    if (this.run !== run) return
    run.shown = true
    const { name } = run.start
    this.shown = { path: name, outcome: null }
    this.history.set(name, null)
    for (const link of this.links) {
      link.told.delete(name)
      link.emit({ type: 'printStarted', remotePath: name, hostJobRef: null })
    }
    this.reportOn(run)
  }

  private reportOn(run: Run): void {
    if (this.run !== run) return
    this.tellReport()
    this.world.at(this.world.nowMs + REPORT_EVERY_MS, () => this.reportOn(run))
  }

  private over(run: Run, outcome: PrintOutcome): void {
    run.end()
    run.start.outcome = outcome
    this.run = null
    this.world.tell(`${this.id} ends ${run.start.name}: ${outcome}`)
  }

  private tellReport(): void {
    for (const link of this.links) link.emit({ type: 'report', report: this.report() })
  }
}

const ended = (outcome: PrintOutcome): PrintEvidence => ({
  ...{ kind: 'ended', outcome, hostJobRef: null, printSeconds: null, filamentUsedMm: null },
})
