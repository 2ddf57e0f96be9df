import type { PrintJob } from '../machine/machine.types.js'
import type { HistoryJob, HistoryStore, JobStats, JobStatus } from './history-store.js'
import type { Klippy } from './klippy.js'
import type { PrintReading, PrintState } from './print-stats.js'
import type { ServedFiles } from './served-files.js'

const IDLE_STATES: ReadonlySet<PrintState> = new Set(['standby', 'complete', 'cancelled', 'error'])
const OUTCOMES: Readonly<Partial<Record<PrintState, JobStatus>>> = {
  complete: 'completed',
  error: 'error',
  cancelled: 'cancelled',
  standby: 'cancelled',
}

interface JobWatchOptions {
  readonly klippy: Klippy
  readonly files: ServedFiles
  readonly history: HistoryStore
  readonly wallMs: () => number
  readonly onHistoryChanged: (action: 'added' | 'finished', job: HistoryJob) => void
}

/**
 * Moonraker's knowledge of the print. It comes with Klipper's status reports and not before, so for up to one report
 * interval the server still believes the old state: that is when it deletes a file that was just opened.
 */
export class JobWatch {
  #unseen: PrintReading[] = []
  #last: { readonly state: PrintState; readonly filename: string }
  #current: { readonly jobId: string; readonly filename: string } | null = null

  constructor(private readonly options: JobWatchOptions) {
    const { klippy } = options
    this.#last = klippy.printStats.read()
    klippy.on('printChanged', (reading) => this.#unseen.push(reading))
    klippy.on('shutdown', () => this.#end('klippy_shutdown'))
    klippy.on('disconnected', () => {
      this.#end('klippy_disconnect')
    })
    klippy.on('ready', () => {
      this.#unseen = []
      this.#last = klippy.printStats.read()
    })
  }

  /** The file in print as far as the server knows; null for none. */
  get loadedFilename(): string | null {
    const isLoaded = this.options.klippy.state === 'ready' && !IDLE_STATES.has(this.#last.state)
    return isLoaded ? this.#last.filename : null
  }

  /** Takes in what Klipper reported since the last time. */
  refresh(): void {
    if (!this.options.klippy.isConnected) return
    for (const reading of this.#unseen.splice(0)) this.#take(reading)
  }

  /** The server's process ends; a print goes on without a row in the history. */
  leave(): void {
    this.#end('server_exit')
    this.#last = this.options.klippy.printStats.read()
  }

  /** Power fails under a print: the server finds an open row when it is back, and calls it interrupted. */
  losePower(): void {
    this.#end('interrupted')
  }

  #take(reading: PrintReading): void {
    const previous = this.#last
    this.#last = reading
    if (reading.state === 'printing' && previous.state !== 'paused') this.#begin(reading)
    const outcome = OUTCOMES[reading.state]
    if (outcome) this.#finish(outcome, statsOf(reading.job))
  }

  #begin({ filename }: PrintReading): void {
    const { files, history, wallMs } = this.options
    this.#finish('cancelled', null)
    const job = history.add(filename, wallMs() / 1_000, files.metadata(filename) ?? {})
    this.#current = { jobId: job.job_id, filename }
    files.noteJob(filename, job.job_id, job.start_time)
    this.options.onHistoryChanged('added', job)
  }

  /** The failure that comes with the end itself is not the job's own outcome, so it is not taken in. */
  #end(status: JobStatus): void {
    for (const reading of this.#unseen.splice(0)) if (reading.state !== 'error') this.#take(reading)
    this.#finish(status, statsOf(this.options.klippy.printStats.read().job))
  }

  #finish(status: JobStatus, stats: JobStats | null): void {
    const current = this.#current
    if (!current) return
    this.#current = null
    const { history, wallMs } = this.options
    const known = stats?.filename === current.filename ? stats : null
    this.options.onHistoryChanged('finished', history.finish(current.jobId, status, wallMs() / 1_000, known))
  }
}

function statsOf(job: PrintJob | null): JobStats | null {
  return (
    job && {
      filename: job.name,
      printDurationSeconds: job.extrusionTimeSeconds,
      totalDurationSeconds: job.totalTimeSeconds,
      filamentUsedMm: job.filamentUsedMm,
    }
  )
}
