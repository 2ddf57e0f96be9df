import { DelayedError } from 'bullmq'
import { z } from 'zod'

import { atMost } from '../kernel/clock.js'
import { checkedJobOptions } from '../kernel/job-options.js'
import { queueNameOf, type JobDefinition, type JobOptions } from '../kernel/jobs.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Outbox } from '../kernel/outbox.port.js'
import type { UnitOfWork } from '../kernel/unit-of-work.port.js'
import type { GantryWorker, QueueBackend, TakenJob } from './backend.port.js'
import { parsedPayload } from './job-processor.js'

export interface LegacyIntakeOptions {
  /** The Redis and the prefix under which older producers put their jobs. */
  backend: QueueBackend
  definitions: readonly JobDefinition[]
  unitOfWork: UnitOfWork<object>
  outbox: Pick<Outbox, 'recordDead'>
  log: Logger
}

/** The queues of the backend that came before this one. */
export const LEGACY_QUEUES: readonly string[] = [
  'cleanup-tokens',
  'email-notification',
  'data-export',
  'metrics-aggregation',
  'cache-warmup',
  'user-analytics',
]

/** While the database is away, a job stays where it is and is looked at again after so long. */
const LATER_MS = 5_000
/** One order is one short transaction; a Redis that is gone would be waited for for ever. */
const STOP_MS = 3_000
const DAY_MS = 24 * 60 * 60_000

const envelope = z.looseObject({ version: z.int().min(1).optional() })

/** A payload that names no version is of the first. */
const versioned = (data: unknown): { version: number; payload: unknown } => {
  const parsed = envelope.safeParse(data ?? {})
  if (!parsed.success) return { version: 1, payload: data }
  const { version = 1, ...payload } = parsed.data
  return { version, payload }
}

const legacyOptions = z
  .object({
    attempts: z.int().min(1).max(100),
    backoff: z.object({ type: z.enum(['fixed', 'exponential']), delay: z.int().min(0) }),
  })
  .partial()

/** What the producer asked for beyond what has been done with it already; nothing where it cannot be read. */
const optionsOf = ({ id, timestamp, opts }: TakenJob): JobOptions => {
  const { attempts, backoff } = legacyOptions.safeParse(opts).data ?? {}
  return checkedJobOptions({
    ...(attempts === undefined ? {} : { attempts }),
    ...(backoff === undefined ? {} : { backoff: { type: backoff.type, delay: backoff.delay } }),
    // Numbers begin anew when a Redis was wiped.
    deduplication: { id: `legacy ${id ?? ''} ${timestamp}`, ttl: DAY_MS },
  })
}

/**
 * Takes over what older producers put into Redis: each job becomes an order of today, which no Redis can lose, and is
 * then done like every other.
 */
export class LegacyIntake {
  private readonly workers: GantryWorker[] = []

  constructor(private readonly options: LegacyIntakeOptions) {}

  async start(): Promise<void> {
    const { backend, definitions, log } = this.options
    await backend.start()
    for (const definition of definitions) {
      const name = queueNameOf(definition.type)
      if (!LEGACY_QUEUES.includes(name)) continue
      const onFailed = (job: TakenJob, err: Error) =>
        log.warn({ queue: name, queueId: job.id, err }, 'an older job failed')
      const take = (job: TakenJob, token?: string) => this.take(definition, job, token)
      const worker = backend.openWorker(name, take, { concurrency: 5, onFailed })
      this.workers.push(worker)
      worker.run().catch((err: unknown) => log.error({ queue: name, err }, 'an intake ended'))
    }
  }

  async stop(): Promise<void> {
    await atMost(STOP_MS, Promise.all(this.workers.map((worker) => worker.close())))
    await this.options.backend.close()
  }

  private async take(definition: JobDefinition, job: TakenJob, token?: string): Promise<void> {
    const { log, outbox, unitOfWork } = this.options
    const { version, payload } = versioned(job.data)
    const parsed = parsedPayload(definition, version, payload)
    try {
      if (parsed.success) {
        await unitOfWork.run((tx) => Promise.resolve(tx.jobs.add(definition, parsed.data, optionsOf(job))))
      } else {
        const error = `payload: ${z.prettifyError(parsed.error)}`
        await outbox.recordDead(
          { type: definition.type, version, payload: job.data, attempts: 1 },
          { error, stack: null },
        )
      }
    } catch (err) {
      log.warn({ queue: job.queueName, queueId: job.id, err }, 'an older job cannot be taken over yet')
      await job.moveToDelayed(Date.now() + LATER_MS, token)
      throw new DelayedError()
    }
  }
}
