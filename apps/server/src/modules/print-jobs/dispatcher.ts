import type { Reason } from '@gantry/schemas'

import {
  every,
  type EventBus,
  type Logger,
  type StoredEvent,
  type Timers,
  type UnitOfWork,
  type Unsubscribe,
} from '../../kernel/index.js'
import type { Fleet, ServedPrinter } from '../printers/fleet.js'
import { obstacles } from '../printers/printer-status.js'
import { claimNext, type ClaimRepositories } from './claims.js'
import type { PrinterRecord } from '../printers/printers.ports.js'
import { unfitness, type PrinterFacts } from './fit.js'
import type { Verdict, VerdictRepository, WaitingJob } from './print-jobs.ports.js'
import type { PrinterWorker } from './printer-worker.js'

export interface DispatcherTimings {
  /** How often everything is looked at anyway, so that a lost event costs seconds. */
  sweepEveryMs: number
  /** For how many jobs at the head of the queue the reasons are kept. */
  explainedJobs: number
}

export const DISPATCHER_TIMINGS: DispatcherTimings = { sweepEveryMs: 2_000, explainedJobs: 50 }

const FORGOTTEN_FROM = 1_000
const REMOVED_AT_ONCE = 10_000

export interface DispatcherDeps {
  unitOfWork: UnitOfWork<ClaimRepositories & { verdicts: VerdictRepository }>
  fleet: Fleet
  worker: PrinterWorker
  bus: EventBus
  clock: Timers
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
  private running: Promise<void> = Promise.resolve()
  private requested = false
  private stopped = false

  constructor(private readonly deps: DispatcherDeps) {}

  start(): Promise<void> {
    const { bus, clock, timings } = this.deps
    this.unsubscribe.push(
      bus.onWake('dispatch', () => this.request()),
      bus.onEvent((event) => {
        if (MATTERS.has(event.type)) this.request()
      }),
      every(clock, timings.sweepEveryMs, () => this.sweep()),
    )
    this.request()
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    this.stopped = true
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
    const { unitOfWork, timings } = this.deps
    const look = () =>
      unitOfWork.run(({ printJobs }) => printJobs.waiting({ kinds: null, after: null, limit: timings.explainedJobs }))
    const waiting = await look()
    const claimed = await this.claimAll(waiting)
    await this.explain(claimed ? await look() : waiting)
  }

  /** @returns whether anything was claimed */
  private async claimAll(waiting: WaitingJob[]): Promise<boolean> {
    const { fleet, log, timings } = this.deps
    const isWhole = waiting.length < timings.explainedJobs
    let claimed = false
    for (const printer of fleet.served()) {
      if (this.stopped) break
      // Looked at again for each: much may have changed since the first was given its copy.
      if (!this.isFree(printer)) continue
      if (isWhole && !waiting.some((job) => fits(job, printer.record))) continue
      try {
        claimed = (await this.claim(printer)) || claimed
      } catch (error) {
        log.error({ err: error, printerId: printer.record.id }, 'a claim failed; the next sweep tries again')
      }
    }
    return claimed
  }

  private async claim({ record, supervisor }: ServedPrinter): Promise<boolean> {
    const { fleet, worker, unitOfWork } = this.deps
    const result = await claimNext(unitOfWork, supervisor.lease)
    if (result.kind === 'nothing_fits') return false
    if (result.kind === 'claimed') worker.claimed(record.id)
    await fleet.refresh(record.id)
    return result.kind === 'claimed'
  }

  private isFree({ record, live }: ServedPrinter): boolean {
    return this.deps.worker.isFree(record.id) && obstacles(record, live).length === 0
  }

  /** What no event tells: copies whose claim was made though its answer was lost, and wishes to cancel. */
  private sweep(): void {
    const { fleet, worker, log } = this.deps
    for (const { record } of fleet.served())
      if (record.activeAttempt !== null && worker.isIdle(record.id)) worker.claimed(record.id)
    worker
      .noticeCancels()
      .catch((err: unknown) => log.warn({ err }, 'wishes to cancel could not be looked up; the next sweep does'))
    this.request()
  }

  /** Stores why the jobs at the head of the queue wait, per printer; only what changed is written. */
  private async explain(waiting: WaitingJob[]): Promise<void> {
    const { fleet, unitOfWork, worker } = this.deps
    const verdicts = waiting.flatMap((job) =>
      fleet.served().map((printer) => verdictOf(job, printer, worker.restsUntil(printer.record.id))),
    )
    const news = verdicts.flatMap((verdict) => {
      const key = `${verdict.jobId} ${verdict.printerId}`
      const said = JSON.stringify(verdict.reasons)
      return this.told.get(key) === said ? [] : [{ verdict, key, said }]
    })
    if (news.length > 0) await unitOfWork.run((tx) => tx.verdicts.put(news.map(({ verdict }) => verdict)))
    for (const { key, said } of news) this.told.set(key, said)
    await this.forgetOthers(verdicts.length)
  }

  /** What was told of jobs that left the queue need not be remembered. */
  private async forgetOthers(enough: number): Promise<void> {
    if (this.told.size <= 2 * enough + FORGOTTEN_FROM) return
    this.told.clear()
    await this.deps.unitOfWork.run((tx) => tx.verdicts.removeOfOthers(REMOVED_AT_ONCE))
  }
}

const factsOf = ({ model, groupId, nozzleDiameterMm, buildVolume, materials }: PrinterRecord): PrinterFacts => ({
  ...{ model, groupId, nozzleDiameterMm, buildVolume, materials },
})

const fits = (job: WaitingJob, record: PrinterRecord): boolean =>
  unfitness(record.id, factsOf(record), job).length === 0

/** Why this job does not go to this printer now. */
export const verdictOf = (
  job: WaitingJob,
  { record, live }: Pick<ServedPrinter, 'record' | 'live'>,
  restsUntil: Date | null,
): Verdict => {
  const reasons: Reason[] = [...unfitness(record.id, factsOf(record), job), ...obstacles(record, live)]
  if (restsUntil !== null) reasons.push({ code: 'PRINTER_RESTING', params: { untilIso: restsUntil.toISOString() } })
  return { jobId: job.id, printerId: record.id, reasons }
}
