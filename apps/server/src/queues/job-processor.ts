import { UnrecoverableError, WaitingError } from 'bullmq'
import { z } from 'zod'

import { correlated, resumed } from '../kernel/correlation.js'
import { JobPostponed, JobRefused, type JobBackoff, type JobDefinition, type JobHandler } from '../kernel/jobs.js'
import type { JobOutcome } from '../kernel/job-runs.js'
import type { Logger } from '../kernel/logger.port.js'
import type { JobFailure, Outbox } from '../kernel/outbox.port.js'
import { jittered, type Random } from '../kernel/random.js'
import type { Tracer } from '../kernel/spans.port.js'
import type { TakenJob } from './backend.port.js'
import type { HandlerTable } from './handler-table.js'
import { type Invocations, JobsStopping } from './invocation.js'
import { queuedJob, type QueuedJob } from './queued-job.js'

export interface JobProcessorOptions {
  handlers: HandlerTable
  outbox: Outbox
  invocations: Invocations
  log: Logger
  random: Random
  tracer: Tracer
  /** Whether people have stopped the queue of this type: what is in hand goes back. */
  isPaused: (type: string) => boolean
  /** Told of each run of a handler. */
  onRun: (type: string, outcome: JobOutcome, waitedMs: number, tookMs: number) => void
}

const LONGEST_PAUSE_MS = 60_000

export const DEFAULT_BACKOFF: JobBackoff = { type: 'exponential', delay: 1_000 }

/** How long a job waits for a process that knows it, while old and new ones run side by side. */
const UNKNOWN_HERE_MS = 5_000

const failureOf = ({ name, message, stack }: Error): JobFailure => ({
  error: `${name}: ${message}`,
  stack: stack ?? null,
})

/** @param tried how often the job was tried */
const pauseMs = ({ type, delay, maxDelay = LONGEST_PAUSE_MS }: JobBackoff, tried: number, random: Random): number =>
  jittered(Math.min(maxDelay, type === 'fixed' ? delay : delay * 2 ** (tried - 1)), random)

/**
 * An earlier version that nobody translates is read as it is; one that its translation refuses is read as it is too, so
 * that what is wrong with it is told by the schema.
 */
export const parsedPayload = ({ payload, earlier }: JobDefinition, version: number, given: unknown) => {
  const translate = earlier?.[version]
  if (translate === undefined) return payload.safeParse(given)
  try {
    return payload.safeParse(translate(given))
  } catch {
    return payload.safeParse(given)
  }
}

/** Leaves a wake-up for another process, or for later, without counting the try. */
const handBack = async (job: TakenJob): Promise<never> => {
  await job.moveToWait(job.token)
  throw new WaitingError()
}

type OutboxJob = QueuedJob & Required<Pick<QueuedJob, 'outbox'>>

/** How long it stood in the queue, and before that in the outbox. */
const waitedMs = ({ timestamp, processedOn, opts }: TakenJob, outbox: QueuedJob['outbox']): number =>
  Math.max(0, (processedOn ?? timestamp) - timestamp - (opts.delay ?? 0)) + Math.max(0, outbox?.waitedMs ?? 0)

/** Takes what comes out of the queue to its handler and writes down how it ended. */
export class JobProcessor {
  constructor(private readonly options: JobProcessorOptions) {}

  async process(job: TakenJob): Promise<void> {
    const { log, outbox } = this.options
    const parsed = queuedJob.safeParse(job.data)
    if (!parsed.success) {
      log.error({ type: job.name, queueId: job.id }, 'something else than a job lay in the queue')
      const foreign = { type: job.name, version: 0, payload: job.data, attempts: 1 }
      await outbox.recordDead(foreign, { error: 'not a job of Gantry', stack: null })
    } else if (parsed.data.outbox === undefined) {
      await this.processWakeUp(job, parsed.data)
    } else {
      await this.processOutboxJob(job, { ...parsed.data, outbox: parsed.data.outbox })
    }
  }

  private async processWakeUp(job: TakenJob, { version, payload }: QueuedJob): Promise<void> {
    // A worker that rests takes one more if it was waiting for one already.
    if (this.options.isPaused(job.name)) await handBack(job)
    const handler = this.handlerFor(job.name, version)
    if (handler === null) throw new UnrecoverableError(`nobody here knows ${job.name} version ${version}`)
    const parsed = parsedPayload(handler.definition, version, payload)
    const [attempt, attempts] = [job.attemptsMade + 1, job.opts.attempts ?? 1]
    const error = parsed.success
      ? await this.run(job, handler, { jobId: job.id ?? job.name, payload: parsed.data, attempt, attempts })
      : new JobRefused(`payload: ${z.prettifyError(parsed.error)}`)
    if (error === null) return
    if (error instanceof JobsStopping) await handBack(job)
    if (attempt < attempts && !(error instanceof JobRefused)) throw error
    const { log, outbox } = this.options
    log.error({ type: job.name, queueId: job.id, err: error }, 'a wake-up is dead: it failed too often, or for good')
    await outbox.recordDead({ type: job.name, version, payload, attempts: attempt }, failureOf(error))
  }

  private async processOutboxJob(job: TakenJob, queued: OutboxJob): Promise<void> {
    const { outbox, isPaused } = this.options
    const { id, delivery } = queued.outbox
    if (!(await outbox.isOpen(id))) return
    const handler = this.handlerFor(job.name, queued.version)
    if (handler === null || isPaused(job.name)) {
      await outbox.putBack([id], { delayMs: handler === null ? UNKNOWN_HERE_MS : 0, counted: false })
      return
    }
    const parsed = parsedPayload(handler.definition, queued.version, queued.payload)
    const { attempts = handler.definition.attempts } = queued.outbox
    const error = parsed.success
      ? await this.run(job, handler, { jobId: id, payload: parsed.data, attempt: delivery, attempts }, queued.outbox)
      : new JobRefused(`payload: ${z.prettifyError(parsed.error)}`)
    if (error === null) await outbox.markDone(id)
    else await this.putAside(handler, queued, error)
  }

  /** @returns what the handler threw; null when it did not */
  private async run(...run: Parameters<JobProcessor['invoke']>): Promise<Error | null> {
    const [
      { data },
      {
        definition: { type },
      },
      { jobId, attempt },
    ] = run
    const work = resumed(this.options.tracer, `job ${type}`, data.origin, { jobType: type, jobId, attempt })
    const { span } = work
    span?.set({ 'messaging.system': 'bullmq', 'messaging.destination.name': type, 'messaging.message.id': jobId })
    const failure = await correlated(work, () => this.invoke(...run))
    span?.end(failure ?? undefined)
    return failure
  }

  private async invoke(
    job: TakenJob,
    handler: JobHandler,
    delivery: Parameters<Invocations['invoke']>[1],
    outbox?: QueuedJob['outbox'],
  ): Promise<Error | null> {
    const beganMs = performance.now()
    const ended = (outcome: JobOutcome) =>
      this.options.onRun(handler.definition.type, outcome, waitedMs(job, outbox), performance.now() - beganMs)
    try {
      await this.options.invocations.invoke(handler, delivery)
      ended('completed')
      return null
    } catch (error) {
      if (!(error instanceof JobsStopping)) {
        ended(delivery.attempt >= delivery.attempts || error instanceof JobRefused ? 'dead' : 'failed')
      }
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  private async putAside({ definition }: JobHandler, job: OutboxJob, err: Error): Promise<void> {
    const { outbox, log, random } = this.options
    const { id, delivery, attempts = definition.attempts } = job.outbox
    const { backoff = definition.backoff ?? DEFAULT_BACKOFF } = job.outbox
    const about = { jobId: id, type: definition.type, delivery, err }
    const failure = failureOf(err)
    if (err instanceof JobsStopping) {
      await outbox.putBack([id], { delayMs: 0, counted: false })
    } else if (delivery >= attempts || err instanceof JobRefused) {
      log.error(about, 'a job is dead: it failed too often, or for good')
      await outbox.markDead(id, failure)
    } else {
      log.warn(about, 'a job failed and will be tried again')
      const atLeastMs = err instanceof JobPostponed ? err.pauseMs : 0
      const delayMs = Math.max(atLeastMs, pauseMs(backoff, delivery, random))
      await outbox.putBack([id], { delayMs, counted: true, failure })
    }
  }

  /** Null when this process is older than the job: another one will know it. */
  private handlerFor(type: string, version: number): JobHandler | null {
    const handler = this.options.handlers.get(type)
    return handler === undefined || handler.definition.version < version ? null : handler
  }
}
