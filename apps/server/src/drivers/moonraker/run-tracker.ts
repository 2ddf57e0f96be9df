import type { DriverEvent, PrintOutcome } from '../../modules/printers/printer-driver.port.js'

import { bestProgress, observedProgress, type RunFacts } from './mapper.js'
import { lostSight, outcomeOfHistory, outcomeOfState, printSeconds } from './outcome.js'
import type { PrinterView } from './status.js'
import type { FileMetadata, HistoryJob, PrintStats } from './wire.js'

interface Run {
  remotePath: string
  facts: RunFacts
  totalSeconds: number
  /** Whether the printer itself showed it; history may speak first. */
  seen: boolean
  lookedUp: boolean
}

interface EndDetails {
  outcome: PrintOutcome
  detail: string | null
  printSeconds: number | null
  filamentUsedMm: number | null
}

const NOTHING_KNOWN: RunFacts = { hostJobRef: null, progress: null, estimatedSeconds: null, layerCount: null }

/**
 * Says once when a print starts and once when it ends, from two sources that tell the same in either order: the
 * printer's `print_stats` and Moonraker's history, which may be switched off.
 */
export class RunTracker {
  readonly #emit: (event: DriverEvent) => void
  #current: Run | null = null
  /** The run that ended last, by whatever source; the other source's word on it is then known already. */
  #last: Run | null = null
  #previous: PrintStats | null = null
  #lostSight = false

  constructor(emit: (event: DriverEvent) => void) {
    this.#emit = emit
  }

  /** The path of the current run, once per run, for looking up what its file says. */
  takeUnknownPath(): string | null {
    if (this.#current === null || this.#current.lookedUp) return null
    this.#current.lookedUp = true
    return this.#current.remotePath
  }

  /** What is known of the run that the printer shows under this path. */
  factsOf(remotePath: string | null): RunFacts {
    const run = [this.#current, this.#last].find((known) => known !== null && known.remotePath === remotePath)
    return run?.facts ?? NOTHING_KNOWN
  }

  /** Takes what is there when the connection begins as given: nothing started or ended just now. */
  adopt(printer: PrinterView, active: boolean, newest: HistoryJob | null): void {
    const stats = printer.printStats
    this.#previous = stats
    if (stats.filename === null || stats.filename === '') return
    const run = newRun(stats.filename, newest?.filename === stats.filename ? newest.job_id : null)
    if (active) this.#current = run
    else this.#last = run
    advance(run, printer)
  }

  /** Klippy is ready and this is what its printer says. */
  observe(printer: PrinterView, active: boolean): void {
    const stats = printer.printStats
    if (active) this.#observeActive(printer, stats.filename ?? '')
    else this.#observeInactive(stats)
    const shown = this.#current ?? this.#last
    if (shown?.remotePath === stats.filename) advance(shown, printer)
    this.#previous = stats
    this.#lostSight = false
  }

  /** Klippy is gone; whether its print is, only its next words will tell. */
  loseSight(): void {
    this.#lostSight = true
  }

  /** Klipper stopped the machine: whatever ran is over. */
  fail(detail: string): void {
    this.#end({ outcome: 'failed', detail, ...measuresOf(this.#previous) })
  }

  historyAdded(job: HistoryJob): void {
    const known = [this.#current, this.#last].find((run) => run?.remotePath === job.filename)
    if (known?.facts.hostJobRef === null || known?.facts.hostJobRef === job.job_id) {
      known.facts = { ...known.facts, hostJobRef: job.job_id }
      return
    }
    this.#begin(job.filename, job.job_id)
  }

  historyFinished(job: HistoryJob): void {
    const outcome = outcomeOfHistory(job.status)
    if (outcome === null || lostSight(job.status)) return
    if (isRunOf(this.#last, job) && this.#current?.remotePath !== job.filename) {
      this.#last.facts = { ...this.#last.facts, hostJobRef: job.job_id }
      return
    }
    if (!isRunOf(this.#current, job)) this.#current = newRun(job.filename, job.job_id)
    this.#current.facts = { ...this.#current.facts, hostJobRef: job.job_id }
    const detail = outcome === 'failed' ? (job.status ?? null) : null
    this.#end({ outcome, detail, printSeconds: printSeconds(job), filamentUsedMm: job.filament_used })
  }

  learn(remotePath: string, metadata: FileMetadata): void {
    if (this.#current?.remotePath !== remotePath) return
    const { estimated_time: estimatedSeconds, layer_count: layerCount } = metadata
    this.#current.facts = { ...this.#current.facts, estimatedSeconds, layerCount }
  }

  #observeActive(printer: PrinterView, filename: string): void {
    const total = printer.printStats.total_duration ?? 0
    const goesOn = this.#current?.remotePath === filename && total >= this.#current.totalSeconds
    if (goesOn || this.#isAlreadyTold(printer.printStats)) return
    if (this.#current !== null) this.#end(this.#unseenEnd())
    this.#begin(filename, null)
  }

  #observeInactive(stats: PrintStats): void {
    const outcome = outcomeOfState(stats.state)
    if (this.#current === null && outcome !== null && this.#isNews(stats)) this.#begin(stats.filename ?? '', null)
    if (this.#current === null || (!this.#current.seen && this.#isUnchanged(stats))) return
    if (outcome === null || stats.filename !== this.#current.remotePath) {
      this.#end(this.#unseenEnd())
      return
    }
    this.#end({ outcome, detail: stats.message === '' ? null : stats.message, ...measuresOf(stats) })
  }

  /** History told the end of this run already, and the printer's last word on it is still under way. */
  #isAlreadyTold(stats: PrintStats): boolean {
    if (this.#current !== null || this.#last?.remotePath !== stats.filename) return false
    return this.#isUnchanged(stats) && (stats.total_duration ?? 0) >= this.#last.totalSeconds
  }

  /** A print so short that it was never seen printing. */
  #isNews(stats: PrintStats): boolean {
    if (this.#previous === null || stats.filename === this.#last?.remotePath) return false
    return stats.filename !== this.#previous.filename || outcomeOfState(this.#previous.state) === null
  }

  #isUnchanged(stats: PrintStats): boolean {
    return stats.filename === this.#previous?.filename && stats.state === this.#previous.state
  }

  /** The run is no longer there and the printer does not say why: it was reset, or Klipper was restarted. */
  #unseenEnd(): EndDetails {
    const measures = measuresOf(this.#previous)
    if (this.#lostSight) return { outcome: 'failed', detail: 'Klipper was restarted during the print', ...measures }
    return { outcome: 'cancelled', detail: null, ...measures }
  }

  #begin(remotePath: string, hostJobRef: string | null): void {
    this.#current = newRun(remotePath, hostJobRef)
    this.#emit({ type: 'printStarted', remotePath, hostJobRef })
  }

  #end(details: EndDetails): void {
    const run = this.#current
    if (run === null) return
    this.#current = null
    this.#last = run
    this.#emit({ type: 'printEnded', remotePath: run.remotePath, hostJobRef: run.facts.hostJobRef, ...details })
  }
}

const newRun = (remotePath: string, hostJobRef: string | null): Run => ({
  remotePath,
  facts: { ...NOTHING_KNOWN, hostJobRef },
  totalSeconds: 0,
  seen: false,
  lookedUp: false,
})

function advance(run: Run, printer: PrinterView): void {
  run.seen = true
  run.totalSeconds = printer.printStats.total_duration ?? run.totalSeconds
  run.facts = { ...run.facts, progress: bestProgress(run.facts.progress, observedProgress(printer)) }
}

function isRunOf(run: Run | null, job: HistoryJob): run is Run {
  if (run?.remotePath !== job.filename) return false
  return run.facts.hostJobRef === null || run.facts.hostJobRef === job.job_id
}

const measuresOf = (stats: PrintStats | null) => ({
  printSeconds: stats === null ? null : printSeconds(stats),
  filamentUsedMm: stats?.filament_used ?? null,
})
