import { UnrecoverableError, type Job } from 'bullmq'
import { z } from 'zod'

import { JobRefused, type JobBackoff, type JobDefinition, type JobHandler } from '../kernel/jobs.js'
import type { Logger } from '../kernel/logger.port.js'
import type { JobFailure, Outbox } from '../kernel/outbox.port.js'
import { jittered, type Random } from '../kernel/random.js'
import type { HandlerTable } from './handler-table.js'
import { type Invocations, JobsStopping } from './invocation.js'
import { queuedJob, type QueuedJob } from './queued-job.js'

export interface JobProcessorOptions {
  handlers: HandlerTable
  outbox: Outbox
  invocations: Invocations
  log: Logger
  random: Random
}

const LONGEST_PAUSE_MS = 60_000

export const DEFAULT_BACKOFF: JobBackoff = { type: 'exponential', delay: 1_000 }

/** How long a job waits for a process that knows it, while old and new ones run side by side. */
const UNKNOWN_HERE_MS = 5_000

const failureOf = (error: unknown): JobFailure =>
  error instanceof Error
    ? { error: `${error.name}: ${error.message}`, stack: error.stack ?? null }
    : { error: String(error), stack: null }

/** @param tried how often the job was tried */
const pauseMs = ({ type, delay, maxDelay = LONGEST_PAUSE_MS }: JobBackoff, tried: number, random: Random): number =>
  jittered(Math.min(maxDelay, type === 'fixed' ? delay : delay * 2 ** (tried - 1)), random)

/** An earlier version that nobody translates is read as it is. */
const parsedPayload = ({ payload, earlier }: JobDefinition, job: QueuedJob) =>
  payload.safeParse(earlier?.[job.version]?.(job.payload) ?? job.payload)

type TakenJob = Pick<Job, 'id' | 'name' | 'data' | 'attemptsMade'>

type OutboxJob = QueuedJob & Required<Pick<QueuedJob, 'outbox'>>

/** Takes what comes out of the queue to its handler and writes down how it ended. */
export class JobProcessor {
  constructor(private readonly options: JobProcessorOptions) {}

  async process(job: TakenJob): Promise<void> {
    const parsed = queuedJob.safeParse(job.data)
    if (!parsed.success) {
      this.options.log.error({ type: job.name, queueId: job.id }, 'something else than a job lay in the queue')
      return
    }
    const { outbox } = parsed.data
    if (outbox === undefined) await this.processWakeUp(job, parsed.data)
    else await this.processOutboxJob(job.name, { ...parsed.data, outbox })
  }

  private async processWakeUp({ name: type, id, attemptsMade }: TakenJob, job: QueuedJob): Promise<void> {
    const { log, invocations } = this.options
    const [jobId, attempt] = [id ?? type, attemptsMade + 1]
    const handler = this.handlerFor(type, job)
    if (handler === null) throw new UnrecoverableError(`nobody here knows ${type} version ${job.version}`)
    const payload = parsedPayload(handler.definition, job)
    if (!payload.success) {
      log.error({ type, problem: z.prettifyError(payload.error) }, 'a job has a payload that its handler cannot read')
      return
    }
    const { attempts } = handler.definition
    await invocations.invoke(handler, { jobId, payload: payload.data, attempt, attempts })
  }

  private async processOutboxJob(type: string, job: OutboxJob): Promise<void> {
    const { outbox, log } = this.options
    const { id } = job.outbox
    if (!(await outbox.isOpen(id))) return
    const handler = this.handlerFor(type, job)
    if (handler === null) {
      await outbox.putBack([id], { delayMs: UNKNOWN_HERE_MS, counted: false })
      return
    }
    const payload = parsedPayload(handler.definition, job)
    if (!payload.success) {
      const problem = `payload: ${z.prettifyError(payload.error)}`
      log.error({ jobId: id, type, problem }, 'a job is dead: its handler cannot read it')
      await outbox.markDead(id, { error: problem, stack: null })
      return
    }
    try {
      const { delivery: attempt, attempts = handler.definition.attempts } = job.outbox
      await this.options.invocations.invoke(handler, { jobId: id, payload: payload.data, attempt, attempts })
    } catch (error) {
      await this.putAside(handler, job, error)
      return
    }
    await outbox.markDone(id)
  }

  private async putAside({ definition }: JobHandler, job: OutboxJob, err: unknown): Promise<void> {
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
      await outbox.putBack([id], { delayMs: pauseMs(backoff, delivery, random), counted: true, failure })
    }
  }

  /** Null when this process is older than the job: another one will know it. */
  private handlerFor(type: string, job: QueuedJob): JobHandler | null {
    const handler = this.options.handlers.get(type)
    return handler === undefined || handler.definition.version < job.version ? null : handler
  }
}
