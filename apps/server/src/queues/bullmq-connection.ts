import {
  createPostgresBackend,
  type Job,
  type JobProgress,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
  Queue,
  Worker,
} from 'bullmq'
import pg from 'pg'

import type { Logger } from '../kernel/logger.port.js'
import type { QueuedJob } from './queued-job.js'

type Backend = PostgresQueueBackend
type Connection = PostgresConnectionOptions

export type GantryQueue = Queue<QueuedJob, void, string, QueuedJob, void, string, Backend, Connection>
export type GantryWorker = Worker<QueuedJob, void, string, Backend, JobProgress, Connection>

const QUEUE_NAME = 'gantry'

/** Finished jobs leave at once: what happened is told by the outbox and the log. */
const KEPT = { removeOnComplete: { count: 0 }, removeOnFail: { count: 0 } }

/**
 * BullMQ hears nothing of a client that it has in hand between two queries, or that it has just connected or is about to
 * close; a connection that is cut in that moment would end the process. A query that waits is told by its own rejection,
 * and whoever lost the client takes a new one.
 */
export class PatientClient extends pg.Client {
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'error' && this.listenerCount('error') === 0) return false
    return super.emit(event, ...args)
  }
}

/** BullMQ's own, whose connection that listens is a patient client too: the options name only those of the pool. */
const createPatientBackend: typeof createPostgresBackend = (...given) => {
  const backend = createPostgresBackend(...given)
  const { connection } = backend as unknown as { connection: { pgModule: { Client: typeof pg.Client } } }
  connection.pgModule = { Client: PatientClient }
  return backend
}

const connectionTo = (url: string, purpose: string, max: number) => ({
  connectionString: url,
  // Brings BullMQ's own schema, `bullmq`, up to date; processes that start together wait for one another.
  migrate: true,
  max,
  application_name: `gantry ${purpose}`,
  connectionTimeoutMillis: 5_000,
  statement_timeout: 10_000,
  query_timeout: 15_000,
  keepAlive: true,
  Client: PatientClient,
})

/** The queue as its producers see it: at most two connections, made on use. */
export const createQueue = (url: string, log: Logger): GantryQueue => {
  const queue: GantryQueue = new Queue(
    QUEUE_NAME,
    {
      connection: connectionTo(url, 'queue', 2),
      defaultJobOptions: KEPT,
      // Nobody reads BullMQ's own stream of events.
      streams: { events: { maxLen: 100 } },
    },
    createPatientBackend,
  )
  queue.on('error', (err) => log.warn({ err }, 'the queue lost a connection'))
  return queue
}

/**
 * A connection cut between taking a job and hearing of it leaves the job taken by nobody. It comes back when its lock
 * has run out and somebody has looked, so both are short; live workers renew their locks at half time.
 */
const ABANDONED = { lockDuration: 10_000, stalledInterval: 5_000 }

/** Takes jobs, `concurrency` at a time, once `run()` is called. Four connections at most, and one that listens. */
export const createWorker = (
  { url, concurrency, log }: { url: string; concurrency: number; log: Logger },
  process: (job: Job<QueuedJob, void>) => Promise<void>,
): GantryWorker => {
  const worker: GantryWorker = new Worker(
    QUEUE_NAME,
    process,
    { connection: connectionTo(url, 'worker', 4), concurrency, autorun: false, ...ABANDONED, ...KEPT },
    createPatientBackend,
  )
  worker.on('error', (err) => log.warn({ err }, 'the worker lost a connection'))
  return worker
}
