import type { Clock } from '../kernel/clock.js'
import { GantryError } from '../kernel/errors.js'
import type { EventBus } from '../kernel/events.js'
import type { JobDefinition, JobHandler, JobPayload, JobScheduler, RecurringJob } from '../kernel/jobs.js'
import type { Stoppable } from '../kernel/lifecycle.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Outbox } from '../kernel/outbox.port.js'
import type { Random } from '../kernel/random.js'
import { createQueue, createWorker, type GantryQueue, type GantryWorker } from './bullmq-connection.js'
import { createHandlerTable, type HandlerTable } from './handler-table.js'
import { Invocations } from './invocation.js'
import { JobProcessor } from './job-processor.js'
import { OutboxRelay } from './outbox-relay.js'

export interface CreateJobsOptions {
  url: string
  /** Every job that may be ordered; each needs exactly one handler. */
  definitions: readonly JobDefinition[]
  handlers: readonly JobHandler[]
  recurring: readonly RecurringJob[]
  outbox: Outbox
  bus: Pick<EventBus, 'onWake'>
  log: Logger
  clock: Clock
  /** Whether this process does jobs (role `worker`) or only orders them. */
  work: boolean
  random?: Random
  /** Jobs at the same time. @default 10 */
  concurrency?: number
  /** How often the outbox is looked through without a hint. @default 1000 */
  sweepMs?: number
  /** How much longer than its time-out a delivery may take before it is looked after. @default 30 000 */
  lateMs?: number
  /** How long running jobs may finish when the process stops; then they are aborted and handed back. @default 8000 */
  finishMs?: number
  /** How long an aborted handler may take to return before it is left behind. @default 1000 */
  graceMs?: number
}

export interface Jobs extends JobScheduler, Stoppable {
  /** @throws GantryError `UNAVAILABLE` when the queue is not there */
  start(): Promise<void>
}

/** One wake-up more if the first one fails: what is lost is found by a sweep. */
const WAKE_BACKOFF = { type: 'exponential', delay: 1_000, jitter: 0.5 } as const

class BullMqJobs implements Jobs {
  private readonly table: HandlerTable
  private readonly queue: GantryQueue
  private readonly invocations: Invocations
  private worker: GantryWorker | null = null
  private relay: OutboxRelay | null = null
  private stopListening: () => void = () => undefined
  private stopped: Promise<void> | null = null

  constructor(private readonly options: CreateJobsOptions) {
    this.table = createHandlerTable(options.definitions, options.handlers)
    this.queue = createQueue(options.url, options.log)
    this.invocations = new Invocations(options.graceMs ?? 1_000)
  }

  async start(): Promise<void> {
    try {
      await this.queue.waitUntilReady()
      if (this.options.work) await this.startWorking()
    } catch (cause) {
      await this.stop()
      throw new GantryError('UNAVAILABLE', { detail: 'the job queue cannot be reached', cause })
    }
  }

  async wake<D extends JobDefinition>(definition: D, payload: JobPayload<D>): Promise<void> {
    const { type, version, attempts } = definition
    const data = { version, payload: definition.payload.parse(payload) }
    try {
      await this.queue.add(type, data, { attempts, backoff: WAKE_BACKOFF })
    } catch (cause) {
      throw new GantryError('UNAVAILABLE', { detail: `the queue did not take ${type}`, cause })
    }
  }

  stop(): Promise<void> {
    this.stopped ??= this.stopAll()
    return this.stopped
  }

  private async startWorking(): Promise<void> {
    const { url, outbox, bus, log, clock, concurrency = 10, sweepMs = 1_000, lateMs = 30_000 } = this.options
    const { random = Math.random } = this.options
    const handlers = this.table
    const processor = new JobProcessor({ handlers, outbox, invocations: this.invocations, log, random })
    const worker = createWorker({ url, concurrency, log }, (job) => processor.process(job))
    this.worker = worker
    worker.on('failed', (job, err) => log.error({ type: job?.name, queueId: job?.id, err }, 'a wake-up failed'))
    await worker.waitUntilReady()
    await this.registerRecurring()
    worker.run().catch((err: unknown) => log.error({ err }, 'the worker ended'))

    const relay = new OutboxRelay({ outbox, queue: this.queue, handlers, log, clock, sweepMs, lateMs })
    this.relay = relay
    this.stopListening = bus.onWake('outbox', () => relay.poke())
    relay.poke()
  }

  /** What recurs is what the code says now; schedules of jobs that are gone are removed. */
  private async registerRecurring(): Promise<void> {
    const { recurring } = this.options
    for (const { definition, payload, ...times } of recurring) {
      const { type, version, attempts } = definition
      const data = { version, payload: definition.payload.parse(payload) }
      const opts = { attempts, backoff: WAKE_BACKOFF }
      await this.queue.upsertJobScheduler(
        type,
        'cron' in times ? { pattern: times.cron } : { every: times.everySeconds * 1_000 },
        { name: type, data, opts },
      )
    }
    const wanted = new Set(recurring.map(({ definition }) => definition.type))
    for (const { key } of await this.queue.getJobSchedulers()) {
      if (!wanted.has(key)) await this.queue.removeJobScheduler(key)
    }
  }

  private async stopAll(): Promise<void> {
    this.stopListening()
    await this.relay?.stop()
    const timer = setTimeout(() => this.invocations.abortAll(), this.options.finishMs ?? 8_000)
    try {
      await this.worker?.close()
    } finally {
      clearTimeout(timer)
    }
    await this.queue.close()
  }
}

/**
 * Jobs on BullMQ's PostgreSQL backend (docs/adr/0004-bullmq-on-postgresql.md).
 * @throws Error when a definition has no handler, or more than one
 */
export const createJobs = (options: CreateJobsOptions): Jobs => new BullMqJobs(options)
