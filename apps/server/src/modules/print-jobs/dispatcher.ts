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
import type { WaitingJob } from './print-jobs.ports.js'
import type { PrinterWorker } from './printer-worker.js'

export interface DispatcherTimings {
  /** How often everything is looked at anyway, so that a lost event costs seconds. */
  sweepEveryMs: number
}

export const DISPATCHER_TIMINGS: DispatcherTimings = { sweepEveryMs: 2_000 }

/** So many jobs at the head of the queue are looked at before a claim is tried for a printer that none of them may fit. */
const LOOKED_AT = 50

export interface DispatcherDeps {
  unitOfWork: UnitOfWork<ClaimRepositories>
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
    const { fleet, log, unitOfWork } = this.deps
    const waiting = await unitOfWork.run(({ printJobs }) =>
      printJobs.waiting({ kinds: null, after: null, limit: LOOKED_AT }),
    )
    const isWhole = waiting.length < LOOKED_AT
    for (const printer of fleet.served()) {
      if (this.stopped) break
      // Looked at again for each: much may have changed since the first was given its copy.
      if (!this.isFree(printer)) continue
      if (isWhole && !waiting.some((job) => fits(job, printer.record))) continue
      try {
        await this.claim(printer)
      } catch (error) {
        log.error({ err: error, printerId: printer.record.id }, 'a claim failed; the next sweep tries again')
      }
    }
  }

  private async claim({ record, supervisor }: ServedPrinter): Promise<void> {
    const { fleet, worker, unitOfWork } = this.deps
    const result = await claimNext(unitOfWork, supervisor.lease)
    if (result.kind === 'nothing_fits') return
    if (result.kind === 'claimed') worker.claimed(record.id)
    await fleet.refresh(record.id)
  }

  private isFree({ record, live }: ServedPrinter): boolean {
    const { worker, clock } = this.deps
    return worker.isFree(record.id) && obstacles(record, live, clock.now()).length === 0
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
}

const factsOf = ({ model, groupId, nozzleDiameterMm, buildVolume, materials }: PrinterRecord): PrinterFacts => ({
  ...{ model, groupId, nozzleDiameterMm, buildVolume, materials },
})

const fits = (job: WaitingJob, record: PrinterRecord): boolean =>
  unfitness(record.id, factsOf(record), job).length === 0
