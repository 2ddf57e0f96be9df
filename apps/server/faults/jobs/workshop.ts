import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

import { ensureRedisInstalled } from '../../processes/redis-server.js'
import { createLogger } from '../../src/observability/logger.js'
import { databaseUrl } from '../../src/testing/template-database.js'
import type { Children } from '../farm/children.js'
import { urlThrough } from '../farm/instances.js'
import type { BreakableDatabase, Database, SharedPostgres } from '../farm/postgres.js'
import { FarmRedis } from '../farm/read-layers.js'
import { TcpProxy } from '../farm/tcp-proxy.js'
import type { JobBackend } from './job-experiment.js'
import { openTrialDatabase, type TrialDatabase } from './open-jobs.js'
import { TRIAL_TABLES } from './trial-book.js'
import type { WorkerOrder } from './trial-job.js'
import { WorkerProcess } from './worker-process.js'

export interface WorkshopPlace {
  logs: string
  children: Children
  postgres: SharedPostgres
}

export interface WorkshopOptions {
  backend: JobBackend
  workers: number
  timeoutMs: number
  lateMs: number
}

/** Worker processes on a database of their own, and a Redis of their own if that is where their queues are. */
export class Workshop {
  private constructor(
    readonly workers: readonly WorkerProcess[],
    /** The bench's own way to the database. */
    readonly db: Database,
    /** As the server orders jobs. */
    readonly orderer: TrialDatabase,
    readonly postgres: BreakableDatabase,
    private readonly ownRedis: FarmRedis | null,
    private readonly close: () => Promise<void>,
  ) {}

  static async start({ backend, workers: count, ...times }: WorkshopOptions, place: WorkshopPlace): Promise<Workshop> {
    const { postgres, children, logs } = place
    const name = `faults_${randomBytes(6).toString('hex')}`
    const db = await postgres.createDatabase(name)
    await db.query(TRIAL_TABLES)
    const toPostgres = new TcpProxy(() => postgres.address)
    const url = await urlThrough(toPostgres, databaseUrl(postgres.url, name))
    const redis = backend === 'redis' ? await openRedis() : null
    const order: WorkerOrder = { ...times, databaseUrl: url, redisUrl: redis?.url ?? null }
    const workers = Array.from({ length: count }, (_, index) => {
      const worker = `worker-${index + 1}`
      return new WorkerProcess(worker, { children, order, logFile: join(logs, `${worker}.log`) })
    })
    const orderer = openTrialDatabase(url, createLogger({ level: 'silent' }))
    const close = async () => {
      await orderer.close()
      await toPostgres.stop()
      await redis?.server.stop()
      await db.close()
      await postgres.dropDatabase(name)
    }
    for (const worker of workers) worker.start()
    await Promise.all(workers.map((worker) => worker.ready()))
    return new Workshop(workers, db, orderer, postgres, redis?.server ?? null, close)
  }

  /** @throws Error where the queues are in PostgreSQL */
  get redis(): FarmRedis {
    if (this.ownRedis === null) throw new Error('the workshop has no Redis')
    return this.ownRedis
  }

  /** Between the workers and Redis. */
  get toRedis(): TcpProxy {
    const [link] = this.redis.links
    if (link === undefined) throw new Error('nothing stands before Redis')
    return link
  }

  /** Takes everything out of the queues. */
  async wipeQueues(): Promise<void> {
    if (this.ownRedis !== null) await this.ownRedis.wipe()
    else await this.db.query('TRUNCATE bullmq.job CASCADE')
  }

  /** @returns how long each of them took to stop in order, in milliseconds */
  stopWorkers(): Promise<number[]> {
    return Promise.all(this.workers.map((worker) => worker.stop()))
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()))
    await this.close()
  }
}

const openRedis = async () => {
  await ensureRedisInstalled()
  const server = await FarmRedis.start()
  const link = new TcpProxy(() => server.address)
  server.links.push(link)
  return { server, url: await urlThrough(link, server.url) }
}
