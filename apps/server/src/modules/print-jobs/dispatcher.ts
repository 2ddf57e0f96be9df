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
import { ClaimRounds, type ClaimRoundsDeps } from './claim-rounds.js'
import type { ClaimRepositories } from './claims.js'
import type { PrinterWorker } from './printer-worker.js'

export interface DispatcherTimings {
  /** How often everything is looked at anyway, so that a lost event costs seconds. */
  sweepEveryMs: number
}

export const DISPATCHER_TIMINGS: DispatcherTimings = { sweepEveryMs: 2_000 }

/** When printers, or what fits them, were in other hands. */
const SOON_MS = 100

export interface DispatcherDeps {
  unitOfWork: UnitOfWork<ClaimRepositories>
  reads: ClaimRoundsDeps['reads']
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
  private readonly rounds: ClaimRounds

  constructor(private readonly deps: DispatcherDeps) {
    const { unitOfWork, reads, fleet, worker, log } = deps
    this.rounds = new ClaimRounds({
      free: () => (this.stopped ? [] : fleet.served().filter((printer) => this.isFree(printer))),
      onClaimed: (printerId) => worker.claimed(printerId),
      refresh: (printerId) => fleet.refresh(printerId),
      ...{ unitOfWork, reads, log },
    })
  }

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
    const contended = await this.rounds.run()
    if (contended) this.deps.clock.after(SOON_MS, () => this.request())
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
