import { UnrecoverableError, type Job } from 'bullmq'
import { z } from 'zod'

import type { JobHandler } from '../kernel/jobs.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Outbox } from '../kernel/outbox.port.js'
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
  /** The first pause before a failed job is tried again; it doubles each time. */
  retryMs: number
}

const LONGEST_RETRY_MS = 60_000

/** How long a job waits for a process that knows it, while old and new ones run side by side. */
const UNKNOWN_HERE_MS = 5_000

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)

type OutboxJob = QueuedJob & Required<Pick<QueuedJob, 'outbox'>>

/** Takes what comes out of the queue to its handler and writes down how it ended. */
export class JobProcessor {
  constructor(private readonly options: JobProcessorOptions) {}

  async process(job: Pick<Job, 'id' | 'name' | 'data'>): Promise<void> {
    const parsed = queuedJob.safeParse(job.data)
    if (!parsed.success) {
      this.options.log.error({ type: job.name, queueId: job.id }, 'something else than a job lay in the queue')
      return
    }
    const { outbox } = parsed.data
    if (outbox === undefined) await this.processWakeUp(job.name, job.id ?? job.name, parsed.data)
    else await this.processOutboxJob(job.name, { ...parsed.data, outbox })
  }

  private async processWakeUp(type: string, jobId: string, job: QueuedJob): Promise<void> {
    const { log, invocations } = this.options
    const handler = this.handlerFor(type, job)
    if (handler === null) throw new UnrecoverableError(`nobody here knows ${type} version ${job.version}`)
    const payload = handler.definition.payload.safeParse(job.payload)
    if (!payload.success) {
      log.error({ type, problem: z.prettifyError(payload.error) }, 'a job has a payload that its handler cannot read')
      return
    }
    await invocations.invoke(handler, jobId, payload.data)
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
    const payload = handler.definition.payload.safeParse(job.payload)
    if (!payload.success) {
      const problem = `payload: ${z.prettifyError(payload.error)}`
      log.error({ jobId: id, type, problem }, 'a job is dead: its handler cannot read it')
      await outbox.markDead(id, problem)
      return
    }
    try {
      await this.options.invocations.invoke(handler, id, payload.data)
    } catch (error) {
      await this.putAside(handler, job, error)
      return
    }
    await outbox.markDone(id)
  }

  private async putAside({ definition }: JobHandler, job: OutboxJob, err: unknown): Promise<void> {
    const { outbox, log, random, retryMs } = this.options
    const { id, delivery } = job.outbox
    const about = { jobId: id, type: definition.type, delivery, err }
    if (err instanceof JobsStopping) {
      await outbox.putBack([id], { delayMs: 0, counted: false })
    } else if (delivery >= definition.attempts) {
      log.error(about, 'a job is dead: it failed too often')
      await outbox.markDead(id, messageOf(err))
    } else {
      log.warn(about, 'a job failed and will be tried again')
      const delayMs = jittered(Math.min(LONGEST_RETRY_MS, retryMs * 2 ** (delivery - 1)), random)
      await outbox.putBack([id], { delayMs, counted: true, error: messageOf(err) })
    }
  }

  /** Null when this process is older than the job: another one will know it. */
  private handlerFor(type: string, job: QueuedJob): JobHandler | null {
    const handler = this.options.handlers.get(type)
    return handler === undefined || handler.definition.version < job.version ? null : handler
  }
}
