import { atMost, type Clock } from '../kernel/clock.js'
import { origin } from '../kernel/correlation.js'
import { GantryError } from '../kernel/errors.js'
import type { EventBus } from '../kernel/events.js'
import type { JobControlRepositories } from '../kernel/job-control.port.js'
import { checkedJobOptions } from '../kernel/job-options.js'
import type { QueuedCounts } from '../kernel/job-queues.port.js'
import type { JobRunStore } from '../kernel/job-runs.js'
import {
  queueNameOf,
  type JobDefinition,
  type JobHandler,
  type JobOptions,
  type JobPayload,
  type JobScheduler,
  type RecurringJob,
} from '../kernel/jobs.js'
import type { Stoppable } from '../kernel/lifecycle.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Outbox } from '../kernel/outbox.port.js'
import type { Random } from '../kernel/random.js'
import { RareLog } from '../kernel/rare-log.js'
import { NO_TRACER, type Tracer } from '../kernel/spans.port.js'
import type { UnitOfWork } from '../kernel/unit-of-work.port.js'
import type { GantryQueue, QueueBackend } from './backend.port.js'
import { createHandlerTable, type HandlerTable } from './handler-table.js'
import { Invocations } from './invocation.js'
import { JobMeter, type JobRun } from './job-meter.js'
import { DEFAULT_BACKOFF, JobProcessor } from './job-processor.js'
import { JobSchedules } from './job-schedules.js'
import { OutboxRelay } from './outbox-relay.js'
import { PausedQueues } from './paused-queues.js'
import { originOf } from './queued-job.js'
import { WorkerSet } from './worker-set.js'

export interface CreateJobsOptions {
  backend: QueueBackend
  /** Every job that may be ordered; each needs exactly one handler. */
  definitions: readonly JobDefinition[]
  handlers: readonly JobHandler[]
  recurring: readonly RecurringJob[]
  outbox: Outbox
  unitOfWork: UnitOfWork<JobControlRepositories>
  /** Reads without a transaction. */
  control: Pick<JobControlRepositories, 'jobQueues'>
  runs: JobRunStore
  bus: Pick<EventBus, 'onWake'>
  log: Logger
  clock: Clock
  timeZone: string
  /** Whether this process does jobs (role `worker`) or only orders them. */
  work: boolean
  /** Told of each run. */
  observe?: (run: JobRun) => void
  /** @default nothing is traced */
  tracer?: Tracer
  random?: Random
  /** How often the outbox is looked through without a hint, and pauses are read. @default 1000 */
  sweepMs?: number
  /** How often schedules are looked at. @default 5000 */
  schedulesMs?: number
  /** How much longer than its time-out a delivery may take before it is looked after. @default 30 000 */
  lateMs?: number
  /** How long running jobs may finish when the process stops; then they are aborted and handed back. @default 8000 */
  finishMs?: number
  /** How long an aborted handler may take to return before it is left behind. @default 1000 */
  graceMs?: number
}

export interface Jobs extends JobScheduler, Stoppable {
  /** @throws GantryError `UNAVAILABLE` when PostgreSQL's queues are not there; EvictingRedisError */
  start(): Promise<void>
  /** Every queue that this process knows, by name. */
  readonly queues: ReadonlyMap<string, GantryQueue>
  /** What lies in each of them. */
  counts(): Promise<ReadonlyMap<string, QueuedCounts>>
}

/** Closing says goodbye to a Redis that may be gone. */
const QUEUES_CLOSE_MS = 1_000

class BullMqJobs implements Jobs {
  readonly queues = new Map<string, GantryQueue>()
  private readonly table: HandlerTable
  private readonly invocations: Invocations
  private readonly rareLog: RareLog
  private readonly stopping: (() => Promise<void> | void)[] = []
  private stopped: Promise<void> | null = null

  constructor(private readonly options: CreateJobsOptions) {
    this.table = createHandlerTable(options.definitions, options.handlers)
    this.invocations = new Invocations(options.graceMs ?? 1_000)
    this.rareLog = new RareLog(options.log, options.clock)
  }

  async start(): Promise<void> {
    const { backend, definitions, work } = this.options
    this.stopping.push(() => backend.close())
    try {
      await backend.start()
    } catch (cause) {
      await this.stop()
      if (backend.kind === 'redis') throw cause
      throw new GantryError('UNAVAILABLE', { detail: 'the job queue cannot be reached', cause })
    }
    for (const { type } of definitions) this.queues.set(queueNameOf(type), backend.openQueue(queueNameOf(type)))
    this.stopping.push(async () => {
      await atMost(QUEUES_CLOSE_MS, Promise.all([...this.queues.values()].map((queue) => queue.close())))
    })
    if (work) await this.startWorking()
  }

  async wake<D extends JobDefinition>(definition: D, payload: JobPayload<D>, options: JobOptions = {}): Promise<void> {
    const { type, version } = definition
    const {
      attempts = definition.attempts,
      backoff = definition.backoff ?? DEFAULT_BACKOFF,
      ...rest
    } = checkedJobOptions(options)
    const data = { version, payload: definition.payload.parse(payload), ...originOf(origin()) }
    const again = { attempts, backoff: { type: backoff.type, delay: backoff.delay, jitter: 0.5 } }
    try {
      await this.queueOf(type).add(type, data, { ...rest, ...again })
    } catch (cause) {
      throw new GantryError('UNAVAILABLE', { detail: `the queue did not take ${type}`, cause })
    }
  }

  async counts(): Promise<ReadonlyMap<string, QueuedCounts>> {
    const queues = [...this.queues.values()]
    const counts = await this.options.backend.counts(queues)
    return new Map(counts.map((count, index) => [queues[index]?.name ?? '', count]))
  }

  stop(): Promise<void> {
    this.stopped ??= this.stopAll()
    return this.stopped
  }

  private queueOf(type: string): GantryQueue {
    const queue = this.queues.get(queueNameOf(type))
    if (queue === undefined) throw new Error(`no job of type ${type} is defined`)
    return queue
  }

  private async startWorking(): Promise<void> {
    const { backend, definitions, outbox, unitOfWork, control, runs, bus, log, clock, recurring, timeZone } =
      this.options
    const {
      random = Math.random,
      tracer = NO_TRACER,
      sweepMs = 1_000,
      lateMs = 30_000,
      finishMs = 8_000,
      schedulesMs = 5_000,
    } = this.options
    const { table: handlers, invocations, rareLog } = this

    const meter = new JobMeter({ store: runs, clock, log: rareLog, observe: this.options.observe ?? (() => undefined) })
    const workers = new WorkerSet(backend, invocations, finishMs, log)
    const onChange = (isPaused: (type: string) => boolean) => workers.obey(isPaused)
    const pauses = new PausedQueues({ queues: control.jobQueues, log: rareLog, everyMs: sweepMs, onChange })
    const isPaused = (type: string) => pauses.has(type)
    const processor = new JobProcessor({
      ...{ handlers, outbox, invocations, log, random, isPaused, tracer },
      onRun: (type, outcome, waitedMs, tookMs) => meter.count({ queue: queueNameOf(type), outcome, waitedMs, tookMs }),
    })
    const relay = new OutboxRelay({
      ...{ outbox, handlers, log, clock, sweepMs, lateMs, isPaused },
      queueOf: (type) => this.queueOf(type),
    })
    const schedules = new JobSchedules({ recurring, unitOfWork, timeZone, everyMs: schedulesMs, log: rareLog })

    meter.start()
    this.stopping.push(() => meter.stop())
    workers.open(definitions, (job) => processor.process(job))
    this.stopping.push(() => workers.close())
    await pauses.start()
    this.stopping.push(() => pauses.stop())
    workers.run(isPaused)
    this.stopping.push(() => relay.stop())
    this.stopping.push(bus.onWake('outbox', () => relay.poke()))
    relay.poke()
    schedules.start()
    this.stopping.push(() => schedules.stop())
  }

  private async stopAll(): Promise<void> {
    for (let stop = this.stopping.pop(); stop !== undefined; stop = this.stopping.pop()) await stop()
  }
}

/**
 * Jobs on BullMQ, on either of its backends (docs/adr/0004-bullmq-on-postgresql.md, docs/adr/0019-job-queues.md).
 * @throws Error when a definition has no handler, or more than one
 */
export const createJobs = (options: CreateJobsOptions): Jobs => new BullMqJobs(options)
