import { repositoriesFor } from '../db/repositories.js'
import { PrismaJobRuns } from '../db/job-runs.js'
import { createOutbox } from '../db/outbox.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import { systemClock } from '../kernel/clock.js'
import type { JobDefinition, JobDelivery } from '../kernel/jobs.js'
import { handleJob } from '../kernel/jobs.js'
import type { Logger } from '../kernel/logger.port.js'
import { RareLog } from '../kernel/rare-log.js'
import type { QueueBackend } from '../queues/backend.port.js'
import { createJobs, type CreateJobsOptions } from '../queues/create-jobs.js'
import { createPostgresBackend } from '../queues/postgres-backend.js'
import { createRedisBackend } from '../queues/redis-backend.js'
import { openTestDatabase, silentHook, type OpenDatabase } from './open-database.js'
import { recordingLogger } from './recording-logger.js'
import { openTestRedis } from './redis.js'

export type BackendKind = QueueBackend['kind']
export const BACKENDS: readonly BackendKind[] = ['postgres', 'redis']

/** A database of its own with a backend for queues, for one or several processes of one test. */
export interface JobPlace extends AsyncDisposable {
  kind: BackendKind
  database: OpenDatabase
  /** The settings of a server on the same database and queues. */
  environment: Record<string, string>
  /** The backend as one process opens it. */
  open(log: Logger): QueueBackend
}

export const openJobPlace = async (kind: BackendKind, options: { poolSize?: number } = {}): Promise<JobPlace> => {
  const database = await openTestDatabase(options)
  const redis = kind === 'redis' ? openTestRedis() : null
  return {
    kind,
    database,
    environment: {
      DATABASE_URL: database.url,
      ...(redis === null ? {} : { REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix }),
    },
    open: (log) => {
      const rareLog = new RareLog(log, systemClock)
      return redis === null
        ? createPostgresBackend({ url: database.url, log: rareLog })
        : createRedisBackend({ url: redis.url, prefix: redis.prefix, log: rareLog })
    },
    [Symbol.asyncDispose]: async () => {
      await redis?.[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** One process that orders and does one kind of job; its commits wake its own relay. */
export const startJobProcess = async <D extends JobDefinition>(
  place: JobPlace,
  definition: D,
  handle: (delivery: JobDelivery<D>) => Promise<void>,
  options: Partial<CreateJobsOptions> = {},
) => {
  const { prisma } = place.database
  const log = recordingLogger()
  let wakeRelay: () => void = () => undefined
  const bus = {
    onWake: (_topic: string, handler: () => void) => {
      wakeRelay = handler
      return () => undefined
    },
  }
  const hook = { ...silentHook, committed: () => wakeRelay() }
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook })
  const jobs = createJobs({
    ...{ backend: place.open(log), outbox: createOutbox(prisma), unitOfWork, control: repositoriesFor(prisma) },
    ...{ runs: new PrismaJobRuns(prisma), bus, log, clock: systemClock, timeZone: 'UTC', work: true },
    ...{ definitions: [definition], handlers: [handleJob(definition, handle)], recurring: [] },
    ...{ sweepMs: 50, schedulesMs: 50 },
    ...options,
  })
  await jobs.start()
  return { jobs, log, unitOfWork, [Symbol.asyncDispose]: () => jobs.stop() }
}
