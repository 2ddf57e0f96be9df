import { Queue, Worker } from 'bullmq'
import { Redis, type RedisOptions } from 'ioredis'

import { atMost } from '../kernel/clock.js'
import type { QueuedCounts } from '../kernel/job-queues.port.js'
import type { RareLog } from '../kernel/rare-log.js'
import { KEPT, STREAMS, workerSettings, type GantryQueue, type QueueBackend } from './backend.port.js'
import { attended } from './patient-worker.js'

/** A producer is told soon; what it ordered stands in the outbox, and a wake-up is found by a sweep. */
const PRODUCER_MS = 2_000
/** Longer than a worker blocks, so that silence means a dead link. */
const WORKER_SILENCE_MS = 12_000
const BLOCK_SECONDS = 5
const CONNECT_MS = 3_000
const LONGEST_RECONNECT_PAUSE_MS = 2_000
/** How long a start waits for Redis before it goes on without. */
const START_MS = 2_000

const COMMON = {
  connectTimeout: CONNECT_MS,
  keepAlive: 5_000,
  retryStrategy: (times: number) => Math.min(LONGEST_RECONNECT_PAUSE_MS, 50 * 2 ** Math.min(times, 6)),
} satisfies RedisOptions

const PRODUCER: RedisOptions = {
  ...COMMON,
  commandTimeout: PRODUCER_MS,
  socketTimeout: PRODUCER_MS + 1_000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  // An order that was given up must not be carried out later: the outbox will order it again.
  autoResendUnfulfilledCommands: false,
}

/** Workers wait for Redis as long as it takes. */
const WORKER: RedisOptions = { ...COMMON, socketTimeout: WORKER_SILENCE_MS, maxRetriesPerRequest: null }

const ready = (client: Redis): Promise<void> =>
  new Promise((resolve) => {
    if (client.status === 'ready') resolve()
    else client.once('ready', () => resolve())
  })

/** What Redis does when it is full; null when it does not say, as some hosted ones. */
const evictionPolicy = async (client: Redis): Promise<string | null> => {
  const memory = await client.info('memory')
  return /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? null
}

/** Redis evicts what queues need. */
export class EvictingRedisError extends Error {
  override readonly name = 'EvictingRedisError'
  constructor(policy: string) {
    super(
      `REDIS_URL: this Redis evicts keys when it is full (maxmemory-policy ${policy}), and with them the locks of running jobs. ` +
        'Set "maxmemory-policy noeviction" in redis.conf or at the provider, or use a Redis of its own for Gantry.',
    )
  }
}

/** Redis knows how long its lists are. */
const countQueued = async (queue: GantryQueue): Promise<QueuedCounts> => {
  const [counts, next] = await Promise.all([
    queue.getJobCounts('wait', 'prioritized', 'active', 'delayed'),
    queue.getJobs(['wait', 'prioritized'], 0, 0, true),
  ])
  const { wait = 0, prioritized = 0, active = 0, delayed = 0 } = counts
  const dueAtMs = next.map((job) => job.timestamp - (job.data.outbox?.waitedMs ?? 0))
  return {
    ...{ waiting: wait + prioritized, active, delayed },
    oldestDueAt: dueAtMs.length === 0 ? null : new Date(Math.min(...dueAtMs)),
  }
}

/** BullMQ on Redis: one connection for what is ordered, one for what workers say, and one per worker that waits. */
export const createRedisBackend = (options: { url: string; prefix: string; log: RareLog }): QueueBackend => {
  const { url, prefix, log } = options
  const clients = [new Redis(url, PRODUCER), new Redis(url, WORKER)] as const
  const [producer, worker] = clients
  for (const client of clients) {
    client.setMaxListeners(100)
    client.on('error', (err) => log.warn({ err }, 'the queues cannot reach Redis'))
  }

  const refuseEviction = async () => {
    const policy = await evictionPolicy(producer)
    if (policy !== null && policy !== 'noeviction') throw new EvictingRedisError(policy)
  }

  /** It is too late to refuse, and still to be told. */
  const later = () => {
    log.warn({}, 'Redis cannot be reached: jobs wait in the outbox until it is back')
    ready(producer)
      .then(refuseEviction)
      .catch((err: unknown) => log.warn({ err }, 'Redis is back, and not as it should be'))
  }

  return {
    kind: 'redis',
    async start() {
      await atMost(START_MS, Promise.all(clients.map(ready)))
      if (clients.every(({ status }) => status === 'ready')) await refuseEviction()
      else later()
    },
    openQueue(name) {
      const queue = new Queue(name, {
        ...{ connection: producer, prefix, defaultJobOptions: KEPT, streams: STREAMS },
        ...{ skipVersionCheck: true, skipWaitingForReady: true },
      })
      queue.on('error', (err) => log.warn({ err }, 'a queue lost its connection'))
      return queue
    },
    openWorker(name, process, options) {
      const patience = { drainDelay: BLOCK_SECONDS, runRetryDelay: 1_000 }
      const settings = { connection: worker, prefix, ...patience, ...workerSettings(options) }
      return attended(new Worker(name, process, settings), log, options.onFailed)
    },
    counts: (queues) => Promise.all(queues.map(countQueued)),
    close: () => {
      for (const client of clients) client.disconnect()
      return Promise.resolve()
    },
  }
}
