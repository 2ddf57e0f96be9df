import { ACTIVE_ATTEMPT_STATES, type AttemptState, type BedState, type CopyCounts, type Reason } from '@gantry/schemas'

import { jobStateOf } from '../../modules/print-jobs/print-job.state.js'
import type {
  AttemptRecord,
  CopyBinding,
  CopyState,
  JobCounts,
  NewPrintJob,
} from '../../modules/print-jobs/print-jobs.ports.js'
import type { PrinterRecord } from '../../modules/printers/printers.ports.js'

export interface PrinterRow extends PrinterRecord {
  leaseEpoch: number
}

export interface JobRow extends NewPrintJob {
  counts: CopyCounts
  createdAt: Date
}

export interface CopyRow extends CopyBinding {
  jobId: string
  number: number
  state: CopyState
}

export interface AttemptRow extends AttemptRecord {
  endedAt: Date | null
  fileRemovedAt: Date | null
}

export interface HoldRow {
  subject: string
  reason: Reason
}

export interface AlarmRow {
  id: string
  code: string
  subject: string
  params: Record<string, unknown>
}

interface InstanceRow {
  capacity: number
  aliveUntil: Date
}

interface Rows {
  instances: InstanceRow
  printers: PrinterRow
  jobs: JobRow
  copies: CopyRow
  attempts: AttemptRow
  /** Open ones alone, by subject and code. */
  holds: HoldRow
  alarms: AlarmRow
  /** What hosts remembered of prints when somebody looked last. */
  pastPrints: ReadonlySet<string>
}

type TableName = keyof Rows

/** Rows are replaced and never changed, and a table is copied before the first change: so it costs little to begin anew. */
export class Tables {
  readonly instances: ReadonlyMap<string, InstanceRow> = new Map()
  readonly printers: ReadonlyMap<string, PrinterRow> = new Map()
  readonly jobs: ReadonlyMap<string, JobRow> = new Map()
  readonly copies: ReadonlyMap<string, CopyRow> = new Map()
  readonly attempts: ReadonlyMap<string, AttemptRow> = new Map()
  readonly holds: ReadonlyMap<string, HoldRow> = new Map()
  readonly alarms: ReadonlyMap<string, AlarmRow> = new Map()
  readonly pastPrints: ReadonlyMap<string, ReadonlySet<string>> = new Map()
  private readonly changed = new Set<TableName>()

  /** The same rows, to be changed without a trace in these. */
  snapshot(): Tables {
    const { instances, printers, jobs, copies, attempts, holds, alarms, pastPrints } = this
    return Object.assign(new Tables(), { instances, printers, jobs, copies, attempts, holds, alarms, pastPrints })
  }

  get isChanged(): boolean {
    return this.changed.size > 0
  }

  put<T extends TableName>(table: T, key: string, row: Rows[T]): void {
    this.writable(table).set(key, row)
  }

  remove(table: TableName, key: string): boolean {
    return this.writable(table).delete(key)
  }

  activeOn(printerId: string): AttemptRow | undefined {
    return [...this.attempts.values()].find((row) => row.printerId === printerId && isActive(row.state))
  }

  activeOf(jobId: string, copyNumber?: number): AttemptRow[] {
    return [...this.attempts.values()].filter(
      (row) =>
        row.jobId === jobId && isActive(row.state) && (copyNumber === undefined || row.copyNumber === copyNumber),
    )
  }

  copiesOf(jobId: string): CopyRow[] {
    return [...this.copies.values()].filter((row) => row.jobId === jobId)
  }

  /** A printer as the printers module reads it: with its holds and what it has in hand. */
  printerRecord(printerId: string): PrinterRecord | null {
    const row = this.printers.get(printerId)
    if (row === undefined) return null
    const active = this.activeOn(printerId)
    const subject = printerSubject(printerId)
    return {
      ...row,
      holds: [...this.holds.values()].filter((hold) => hold.subject === subject).map(({ reason }) => reason),
      activeAttempt: active === undefined ? null : { ...active },
    }
  }

  setBed(printerId: string, bed: BedState, now: Date): void {
    this.put('printers', printerId, { ...must(this.printers.get(printerId)), bed, bedSince: now })
  }

  moveCopy(jobId: string, number: number, to: CopyState): JobCounts {
    const job = must(this.jobs.get(jobId))
    const copy = must(this.copies.get(copyKey(jobId, number)))
    const counts = { ...job.counts }
    counts[copy.state] -= 1
    counts[to] += 1
    this.put('copies', copyKey(jobId, number), { ...copy, state: to })
    this.put('jobs', jobId, { ...job, counts })
    return countsOf({ ...job, counts })
  }

  bindCopy(jobId: string, number: number, binding: CopyBinding): void {
    const key = copyKey(jobId, number)
    this.put('copies', key, { ...must(this.copies.get(key)), ...binding })
  }

  private writable<T extends TableName>(table: T): Map<string, Rows[T]> {
    if (!this.changed.has(table)) {
      Object.assign(this, { [table]: new Map<string, unknown>(this[table]) })
      this.changed.add(table)
    }
    return this[table] as Map<string, Rows[T]>
  }
}

export const isActive = (state: AttemptState): boolean => (ACTIVE_ATTEMPT_STATES as readonly string[]).includes(state)

export const printerSubject = (printerId: string): string => `printer ${printerId}`
export const jobSubject = (jobId: string): string => `job ${jobId}`
export const copyKey = (jobId: string, number: number): string => `${jobId} ${number}`

export const countsOf = (job: JobRow): JobCounts => ({
  ...{ id: job.id, partId: null, projectId: null, printerGroupId: null, copies: job.copies },
  counts: job.counts,
  state: jobStateOf(job.counts),
})

export const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the simulated store has no such row')
  return value
}

/** What the partial unique indexes and checks of the migrations refuse. @returns what is broken, or null */
export const brokenConstraint = (tables: Tables): string | null => {
  const seen = new Set<string>()
  const twice = (key: string): boolean => seen.size === seen.add(key).size
  for (const { state, printerId, jobId, copyNumber } of tables.attempts.values()) {
    const copy = copyKey(jobId, copyNumber)
    if (isActive(state) && twice(`active on ${printerId}`)) return 'attempt_one_active_per_printer'
    if (isActive(state) && twice(`active of ${copy}`)) return 'attempt_one_active_per_copy'
    if (state === 'completed' && twice(`completed ${copy}`)) return 'attempt_completed_once_per_copy'
  }
  for (const { copies, counts } of tables.jobs.values()) {
    const all = Object.values(counts)
    if (Math.min(...all) < 0 || all.reduce((sum, count) => sum + count, 0) !== copies) return 'print_job_copies_add_up'
  }
  return null
}
