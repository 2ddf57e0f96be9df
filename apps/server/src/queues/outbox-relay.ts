import type { Clock } from '../kernel/clock.js'
import type { Logger } from '../kernel/logger.port.js'
import type { DeliveryDeadlines, Outbox, OutboxDelivery, OverdueJob } from '../kernel/outbox.port.js'
import { SweepLoop } from '../kernel/sweep-loop.js'
import type { GantryQueue } from './backend.port.js'
import type { HandlerTable } from './handler-table.js'
import { queueIdOf, toBulkJob } from './queued-job.js'

export interface OutboxRelayOptions {
  outbox: Outbox
  /** The queue of a type; each type of the table has one. */
  queueOf: (type: string) => Pick<GantryQueue, 'addBulk' | 'getJobState'>
  /** Rows of such types stay where they are. */
  isPaused: (type: string) => boolean
  handlers: HandlerTable
  log: Logger
  clock: Clock
  sweepMs: number
  /** How much longer than its time-out a delivery may take before it is looked after. */
  lateMs: number
}

const BATCH = 100

/** A queue that refused is asked again after this time. */
const QUEUE_DOWN_MS = 1_000

/** Deliveries that vanished (a killed process, an emptied queue) beyond the job's attempts. */
const LOST_DELIVERIES = 5

const IN_QUEUE: readonly string[] = ['waiting', 'active', 'delayed', 'prioritized', 'waiting-children']

/** Carries pending rows into the queue and looks after those that did not come back. Several may run side by side. */
export class OutboxRelay {
  private readonly deadlines: DeliveryDeadlines
  private readonly loop: SweepLoop
  private overdueLookedAtMs = 0

  constructor(private readonly options: OutboxRelayOptions) {
    const { handlers, lateMs, sweepMs, log } = options
    this.deadlines = Object.fromEntries(
      [...handlers].map(([type, { definition }]) => [type, definition.timeoutMs + lateMs]),
    )
    this.loop = new SweepLoop({
      look: () => this.relay(),
      everyMs: sweepMs,
      onTrouble: (err) => log.warn({ err }, 'the outbox cannot be relayed'),
    })
  }

  /** There may be something to relay. */
  poke(): void {
    this.loop.poke()
  }

  stop(): Promise<void> {
    return this.loop.stop()
  }

  private async relay(): Promise<number> {
    await this.relayOverdue()
    await this.relayDue()
    return this.options.sweepMs
  }

  private async relayDue(): Promise<void> {
    const { outbox, isPaused } = this.options
    for (let taken = BATCH; taken === BATCH && !this.loop.isStopped;) {
      const open = Object.fromEntries(Object.entries(this.deadlines).filter(([type]) => !isPaused(type)))
      const rows = await outbox.claimDue(open, BATCH)
      taken = rows.length
      const types = [...new Set(rows.map(({ type }) => type))]
      const ofType = (type: string) => rows.filter((row) => row.type === type)
      const added = await Promise.allSettled(types.map((type) => this.addTo(type, ofType(type))))
      const refused = added.find((outcome) => outcome.status === 'rejected')
      if (refused !== undefined) throw refused.reason
    }
  }

  private async addTo(type: string, jobs: readonly OutboxDelivery[]): Promise<void> {
    try {
      await this.options.queueOf(type).addBulk(jobs.map(toBulkJob))
    } catch (error) {
      const ids = jobs.map(({ id }) => id)
      await this.options.outbox.putBack(ids, { delayMs: QUEUE_DOWN_MS, counted: false })
      throw error
    }
  }

  private async relayOverdue(): Promise<void> {
    const { outbox, clock, sweepMs } = this.options
    // Wake-ups may come often; rows become overdue at their own pace.
    if (clock.now() - this.overdueLookedAtMs < sweepMs) return
    this.overdueLookedAtMs = clock.now()
    for (const job of await outbox.claimOverdue(this.deadlines, BATCH)) await this.lookAfter(job)
  }

  private async lookAfter(job: OverdueJob): Promise<void> {
    const { outbox, queueOf, handlers, log } = this.options
    // Jobs that still wait for a worker, or run, are late but not lost; the claim has moved their deadline on.
    if (IN_QUEUE.includes(await queueOf(job.type).getJobState(queueIdOf(job)))) return
    const attempts = job.attempts ?? handlers.get(job.type)?.definition.attempts ?? 1
    if (job.delivery >= attempts + LOST_DELIVERIES) {
      log.error({ jobId: job.id, type: job.type }, 'a job is dead: it vanished too often')
      await outbox.markDead(job.id, { error: `vanished from the queue; delivered ${job.delivery} times`, stack: null })
      return
    }
    log.warn({ jobId: job.id, type: job.type, delivery: job.delivery }, 'a job vanished and is delivered again')
    await outbox.putBack([job.id], { delayMs: 0, counted: true })
  }
}
