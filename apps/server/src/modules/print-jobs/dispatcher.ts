import type { Reason } from '@gantry/schemas'

import type { EventBus, Logger, StoredEvent, UnitOfWork, Unsubscribe } from '../../kernel/index.js'
import type { Fleet, ServedPrinter } from '../printers/fleet.js'
import { obstacles } from '../printers/printer-status.js'
import { claimNext, type ClaimRepositories } from './claims.js'
import { mismatches } from './fit.js'
import type { Verdict, VerdictRepository, WaitingJob } from './print-jobs.ports.js'
import type { PrinterWorker } from './printer-worker.js'

export interface DispatcherTimings {
  /** How often everything is looked at anyway, so that a lost event costs seconds. */
  sweepEveryMs: number
  /** For how many jobs at the head of the queue the reasons are kept. */
  explainedJobs: number
}

export const DISPATCHER_TIMINGS: DispatcherTimings = { sweepEveryMs: 2_000, explainedJobs: 50 }

export interface DispatcherDeps {
  unitOfWork: UnitOfWork<ClaimRepositories & { verdicts: VerdictRepository }>
  fleet: Fleet
  worker: PrinterWorker
  bus: EventBus
  timings: DispatcherTimings
  log: Logger
}

const MATTERS: ReadonlySet<StoredEvent['type']> = new Set([
  'printer.created',
  'printer.updated',
  'printer.state_changed',
  'printer.bed_changed',
  'printer.released',
  'print_job.created',
  'print_job.changed',
])

/** Gives free printers their next copy: on every event that may free one, and by a sweep in case an event was lost. */
export class Dispatcher {
  private readonly unsubscribe: Unsubscribe[] = []
  private readonly told = new Map<string, string>()
  private timer: NodeJS.Timeout | undefined
  private running: Promise<void> = Promise.resolve()
  private requested = false
  private stopped = false

  constructor(private readonly deps: DispatcherDeps) {}

  start(): Promise<void> {
    const { bus, timings } = this.deps
    this.unsubscribe.push(
      bus.onWake('dispatch', () => this.request()),
      bus.onEvent((event) => {
        if (MATTERS.has(event.type)) this.request()
      }),
    )
    this.timer = setInterval(() => this.request(), timings.sweepEveryMs)
    this.request()
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearInterval(this.timer)
    for (const unsubscribe of this.unsubscribe.splice(0)) unsubscribe()
    await this.running
  }

  /** Looks at the queue soon; many requests at once cost one look. */
  request(): void {
    if (this.requested || this.stopped) return
    this.requested = true
    this.running = this.running
      .then(() => {
        this.requested = false
        return this.stopped ? undefined : this.dispatch()
      })
      .catch((error: unknown) => this.deps.log.error({ err: error }, 'dispatching failed; the next sweep tries again'))
  }

  private async dispatch(): Promise<void> {
    const { fleet, worker, unitOfWork } = this.deps
    for (const { record, supervisor } of fleet.served().filter((printer) => this.isFree(printer))) {
      const result = await claimNext(unitOfWork, supervisor.lease)
      if (result.kind === 'nothing_fits') continue
      await fleet.refresh(record.id)
      if (result.kind === 'claimed') worker.claimed(record.id)
    }
    await this.explain()
  }

  private isFree({ record, live }: ServedPrinter): boolean {
    return this.deps.worker.isFree(record.id) && obstacles(record, live).length === 0
  }

  /** Stores why the jobs at the head of the queue wait, per printer; only what changed is written. */
  private async explain(): Promise<void> {
    const { fleet, unitOfWork, timings } = this.deps
    const served = fleet.served()
    await unitOfWork.run(async (tx) => {
      const jobs = await tx.printJobs.waiting(null, timings.explainedJobs)
      const verdicts = jobs.flatMap((job) => served.map((printer) => verdictOf(job, printer)))
      const changed = verdicts.filter((verdict) => this.isNews(verdict))
      if (changed.length > 0) await tx.verdicts.put(changed)
    })
    this.forgetOthers(served.length * timings.explainedJobs)
  }

  private isNews(verdict: Verdict): boolean {
    const key = `${verdict.jobId} ${verdict.printerId}`
    const said = JSON.stringify(verdict.reasons)
    if (this.told.get(key) === said) return false
    this.told.set(key, said)
    return true
  }

  /** What was told of jobs that left the queue need not be remembered. */
  private forgetOthers(enough: number): void {
    if (this.told.size > 2 * enough + 1_000) this.told.clear()
  }
}

/** Why this job does not go to this printer now. */
export const verdictOf = (job: WaitingJob, { record, live }: Pick<ServedPrinter, 'record' | 'live'>): Verdict => {
  const facts = {
    model: record.model,
    groupId: record.groupId,
    nozzleDiameterMm: record.nozzleDiameterMm,
    buildVolume: record.buildVolume,
    materials: record.materials,
  }
  const reasons: Reason[] = [...mismatches(facts, job.requirements), ...obstacles(record, live)]
  return { jobId: job.id, printerId: record.id, reasons }
}
