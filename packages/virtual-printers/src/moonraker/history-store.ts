import { ServerError } from './server-error.js'

export type JobStatus =
  | 'in_progress'
  | 'completed'
  | 'cancelled'
  | 'error'
  | 'klippy_shutdown'
  | 'klippy_disconnect'
  | 'interrupted'
  | 'server_exit'

/** The part of `print_stats` that a job keeps. */
export interface JobStats {
  readonly filename: string
  readonly printDurationSeconds: number
  readonly totalDurationSeconds: number
  readonly filamentUsedMm: number
}

/** One row as `server.history.*` shows it. Times are Unix seconds. */
export interface HistoryJob {
  readonly job_id: string
  readonly user: string
  readonly filename: string
  readonly exists: boolean
  readonly status: JobStatus
  readonly start_time: number
  readonly end_time: number | null
  readonly print_duration: number
  readonly total_duration: number
  readonly filament_used: number
  readonly metadata: Readonly<Record<string, unknown>>
  readonly auxiliary_data: readonly unknown[]
}

type StoredJob = Omit<HistoryJob, 'exists'>

export interface HistoryQuery {
  readonly limit: number
  readonly start: number
  readonly since: number | null
  readonly before: number | null
  readonly order: 'asc' | 'desc'
}

const NO_TOTALS = {
  total_jobs: 0,
  total_time: 0,
  total_print_time: 0,
  total_filament_used: 0,
  longest_job: 0,
  longest_print: 0,
}

/** The job history of one host. Ids count up and are shown as six hexadecimal digits; a deleted id is never reused. */
export class HistoryStore {
  readonly #jobs = new Map<number, StoredJob>()
  readonly #totals = { ...NO_TOTALS }
  #lastId = 0

  /** @param fileExists whether the file of a job is still there, unchanged, judged when a job is shown */
  constructor(private readonly fileExists: (filename: string, modified: unknown) => boolean) {}

  add(filename: string, startTime: number, metadata: Readonly<Record<string, unknown>>): HistoryJob {
    this.#lastId += 1
    const job: StoredJob = {
      job_id: this.#lastId.toString(16).toUpperCase().padStart(6, '0'),
      user: 'No User',
      filename,
      status: 'in_progress',
      start_time: startTime,
      end_time: null,
      print_duration: 0,
      total_duration: 0,
      filament_used: 0,
      metadata,
      auxiliary_data: [],
    }
    this.#jobs.set(this.#lastId, job)
    return this.#shown(job)
  }

  /** @param stats null keeps what is known: the printer's counters were reset before the end was seen */
  finish(jobId: string, status: JobStatus, endTime: number, stats: JobStats | null): HistoryJob {
    const job = this.#stored(jobId)
    const finished: StoredJob = {
      ...job,
      status,
      end_time: endTime,
      print_duration: stats?.printDurationSeconds ?? job.print_duration,
      total_duration: stats?.totalDurationSeconds ?? job.total_duration,
      filament_used: stats?.filamentUsedMm ?? job.filament_used,
    }
    this.#jobs.set(Number.parseInt(jobId, 16), finished)
    this.#addToTotals(finished)
    return this.#shown(finished)
  }

  /** @throws {ServerError} 404 for an unknown id */
  get(jobId: string): HistoryJob {
    return this.#shown(this.#stored(jobId))
  }

  /**
   * Deletes one job, or all of them for null.
   * @returns the ids that are gone
   * @throws {ServerError} 404 for an unknown id
   */
  delete(jobId: string | null): readonly string[] {
    const gone = jobId === null ? [...this.#jobs.values()].map((job) => job.job_id) : [this.#stored(jobId).job_id]
    for (const id of gone) this.#jobs.delete(Number.parseInt(id, 16))
    return gone
  }

  /** The database is gone: ids count from the beginning again. */
  forgetAll(): void {
    this.#jobs.clear()
    this.#lastId = 0
    Object.assign(this.#totals, NO_TOTALS)
  }

  /** A job that has not ended is in no list limited by `before`, as in the real host's SQL. */
  list(query: HistoryQuery): readonly HistoryJob[] {
    const { since, before, start, limit } = query
    const jobs = [...this.#jobs.values()].filter(
      (job) =>
        (since === null || job.start_time > since) &&
        (before === null || (job.end_time !== null && job.end_time < before)),
    )
    if (query.order === 'desc') jobs.reverse()
    return (limit > 0 ? jobs.slice(start, start + limit) : jobs).map((job) => this.#shown(job))
  }

  /** Sums over all jobs that ever ended; deleting a row leaves them as they are. */
  totals(): Readonly<Record<string, number>> {
    return { ...this.#totals }
  }

  #addToTotals(job: StoredJob): void {
    const totals = this.#totals
    totals.total_jobs += 1
    totals.total_time += job.total_duration
    totals.total_print_time += job.print_duration
    totals.total_filament_used += job.filament_used
    totals.longest_job = Math.max(totals.longest_job, job.total_duration)
    totals.longest_print = Math.max(totals.longest_print, job.print_duration)
  }

  #stored(jobId: string): StoredJob {
    const job = /^[0-9a-f]+$/i.test(jobId) ? this.#jobs.get(Number.parseInt(jobId, 16)) : undefined
    if (!job) throw new ServerError(`Invalid job uid: ${jobId}`, 404)
    return job
  }

  #shown(job: StoredJob): HistoryJob {
    return { ...job, exists: this.fileExists(job.filename, job.metadata.modified) }
  }
}
