import { randomBytes } from 'node:crypto'

import { createPostgresBackend as createBullBackend, Queue, Worker, type JobsOptions, type Processor } from 'bullmq'
import { z } from 'zod'

import { ensureRedisInstalled, startRedisServer } from '../../processes/redis-server.js'
import { PrismaJobRuns } from '../../src/db/job-runs.js'
import { createOutbox } from '../../src/db/outbox.js'
import { repositoriesFor } from '../../src/db/repositories.js'
import { createUnitOfWork } from '../../src/db/unit-of-work.js'
import { RareLog, systemClock } from '../../src/kernel/index.js'
import { defineJob, handleJob, type JobDelivery } from '../../src/kernel/jobs.js'
import { createLogger } from '../../src/observability/logger.js'
import { ABANDONED, KEPT, STALLED, STREAMS } from '../../src/queues/backend.port.js'
import { createJobs } from '../../src/queues/create-jobs.js'
import { createPostgresBackend } from '../../src/queues/postgres-backend.js'
import { createRedisBackend } from '../../src/queues/redis-backend.js'
import { openDatabase, type BenchDatabase } from '../bench-database.js'

export const CONCURRENCY = 10

/** A payload of the size that they have: ids. */
export const benchJob = defineJob({
  type: 'BENCH_JOB',
  version: 1,
  payload: z.strictObject({ n: z.int(), id: z.string() }),
  attempts: 3,
  timeoutMs: 10_000,
  concurrency: CONCURRENCY,
})

export const BENCH_QUEUE = 'bench-job'

export const payloadOf = (n: number) => ({ n, id: '0198c0de-7a61-7000-8000-000000000000' })

export interface ShopAddress {
  databaseUrl: string
  redisUrl: string | null
  prefix: string
}

export const SHOPS = ['redis', 'postgres'] as const
export type ShopKind = (typeof SHOPS)[number]

/** Where jobs of one bench are: the database, and a Redis of its own if that is where the queues are. */
export const openShop = async (kind: ShopKind, { url }: BenchDatabase) => {
  const prefix = `bench-${randomBytes(4).toString('hex')}`
  if (kind === 'postgres')
    return { address: { databaseUrl: url, redisUrl: null, prefix }, stop: () => Promise.resolve() }
  await ensureRedisInstalled()
  const { url: redisUrl, stop } = await startRedisServer()
  return { address: { databaseUrl: url, redisUrl, prefix }, stop }
}

type Handle = (delivery: JobDelivery<typeof benchJob>) => Promise<void>

/** One process of the server's job system, on a pool of its own, whose commits wake its own relay. */
export const openJobs = async (
  { databaseUrl, redisUrl, prefix }: ShopAddress,
  handle: Handle,
  { work = true }: { work?: boolean } = {},
) => {
  const log = createLogger({ level: 'silent' })
  const database = await openDatabase(databaseUrl)
  const { prisma } = database
  let wakeRelay: () => void = () => undefined
  const onWake = (_topic: string, handler: () => void) => {
    wakeRelay = handler
    return () => undefined
  }
  const hook = { channel: 'bench', notice: () => '', committed: () => wakeRelay() }
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook })
  const rareLog = new RareLog(log, systemClock)
  const jobs = createJobs({
    backend:
      redisUrl === null
        ? createPostgresBackend({ url: databaseUrl, log: rareLog })
        : createRedisBackend({ url: redisUrl, prefix, log: rareLog }),
    ...{ definitions: [benchJob], handlers: [handleJob(benchJob, handle)], recurring: [], bus: { onWake } },
    ...{ outbox: createOutbox(prisma), unitOfWork, control: repositoriesFor(prisma), runs: new PrismaJobRuns(prisma) },
    ...{ log, clock: systemClock, timeZone: 'UTC', work },
  })
  await jobs.start()
  const stop = async () => {
    await jobs.stop()
    await database.stop()
  }
  return { jobs, unitOfWork, prisma, stop }
}

const QUEUE_OPTIONS = { defaultJobOptions: KEPT, streams: STREAMS }
const WORKER_OPTIONS = { concurrency: CONCURRENCY, ...ABANDONED, ...STALLED, ...KEPT }

const openOnRedis = (url: string, prefix: string, process: Processor) => {
  const place = { connection: { url, maxRetriesPerRequest: null }, prefix: `${prefix}-bull` }
  return {
    queue: new Queue('bull', { ...place, ...QUEUE_OPTIONS }),
    worker: new Worker('bull', process, { ...place, ...WORKER_OPTIONS }),
  }
}

const openOnPostgres = (connectionString: string, process: Processor) => {
  const place = { connection: { connectionString } }
  return {
    queue: new Queue('bull', { ...place, ...QUEUE_OPTIONS }, createBullBackend),
    worker: new Worker('bull', process, { ...place, ...WORKER_OPTIONS }, createBullBackend),
  }
}

/** BullMQ as it comes, with connections of its own and the options that our workers and orders have. */
export const openBull = async ({ databaseUrl, redisUrl, prefix }: ShopAddress, process: Processor) => {
  const { queue, worker } =
    redisUrl === null ? openOnPostgres(databaseUrl, process) : openOnRedis(redisUrl, prefix, process)
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()])
  const add = (name: string, data: object, options: JobsOptions) => queue.add(name, data, options)
  const stop = async () => {
    await worker.close()
    await queue.close()
  }
  return { add, stop }
}
