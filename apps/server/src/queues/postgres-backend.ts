import { createPostgresBackend as createBullBackend, Queue, runMigrations, Worker, DEFAULT_SCHEMA } from 'bullmq'
import pg from 'pg'

import type { RareLog } from '../kernel/rare-log.js'
import { KEPT, STREAMS, workerSettings, type QueueBackend } from './backend.port.js'
import { countQueued } from './postgres-counts.js'
import { attended } from './patient-worker.js'
import { PatientClient, SharedListener } from './shared-listener.js'

/** Workers hear of jobs at once; looking without having heard is for what was lost on the way. */
const LOOK_AGAIN_SECONDS = 15

const MOST_CONNECTIONS = 6

/** @param name shown in `pg_stat_activity` */
const configOf = (url: string, name: string) => ({
  connectionString: url,
  application_name: name,
  // BullMQ's statements name their tables without the schema. Their commits do not wait for the disk: the queue holds no
  // fact, and what a crash of the database takes back is delivered again from the outbox, or found by a sweep.
  options: `-c search_path="${DEFAULT_SCHEMA}" -c synchronous_commit=off`,
  connectionTimeoutMillis: 5_000,
  statement_timeout: 10_000,
  query_timeout: 15_000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
})

/** BullMQ on PostgreSQL: one pool for all queues and workers of a process, and one connection that listens. */
export const createPostgresBackend = ({ url, log }: { url: string; log: RareLog }): QueueBackend => {
  const pool = new pg.Pool({
    ...configOf(url, 'gantry jobs'),
    max: MOST_CONNECTIONS,
    Client: PatientClient,
  })
  // Every queue and every worker listens for the pool's errors, and tells of them; where none is open, a connection that is
  // lost must not end the process.
  pool.setMaxListeners(0).on('error', () => undefined)
  const { Client } = new SharedListener(configOf(url, 'gantry jobs listen'))

  const createBackend: typeof createBullBackend = (...given) => {
    const backend = createBullBackend(...given)
    const { connection } = backend as unknown as { connection: { pgModule: object; listenClientConfig: object } }
    // The schema was looked after at the start. BullMQ would look again for each queue and worker, and hold on to the answer
    // for ever: one whose connection was cut in that moment would never be of use.
    const waitUntilReady = () => Promise.resolve()
    Object.assign(connection, { pgModule: { Client }, listenClientConfig: {}, waitUntilReady })
    return backend
  }

  return {
    kind: 'postgres',
    // Brings BullMQ's own schema up to date; processes that start together wait for one another.
    async start() {
      const client = await pool.connect()
      try {
        await runMigrations(client, DEFAULT_SCHEMA, {})
      } finally {
        client.release()
      }
    },
    openQueue(name) {
      const queue = new Queue(name, { connection: pool, defaultJobOptions: KEPT, streams: STREAMS }, createBackend)
      queue.on('error', (err) => log.warn({ err }, 'a queue lost a connection'))
      return queue
    },
    openWorker(name, process, options) {
      const settings = { connection: pool, drainDelay: LOOK_AGAIN_SECONDS, ...workerSettings(options) }
      return attended(new Worker(name, process, settings, createBackend), log, options.onFailed)
    },
    counts: (queues) =>
      countQueued(
        pool,
        queues.map(({ name }) => name),
      ),
    close: () => pool.end(),
  }
}
