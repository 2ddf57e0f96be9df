import { createDatabase } from '../../src/db/client.js'
import type { Prisma } from '../../src/db/generated/client.js'
import { PrismaJobRuns } from '../../src/db/job-runs.js'
import { createOutbox } from '../../src/db/outbox.js'
import { repositoriesFor } from '../../src/db/repositories.js'
import { createUnitOfWork } from '../../src/db/unit-of-work.js'
import { RareLog, systemClock, type Logger } from '../../src/kernel/index.js'
import { handleJob, type JobDelivery } from '../../src/kernel/jobs.js'
import { createJobs } from '../../src/queues/create-jobs.js'
import { createPostgresBackend } from '../../src/queues/postgres-backend.js'
import { createRedisBackend } from '../../src/queues/redis-backend.js'
import { TrialBook } from './trial-book.js'
import { trialJob, type WorkerOrder } from './trial-job.js'

const POOL_SIZE = 8
const DATABASE_MS = 5_000
/** Nobody tells these processes of commits: they look. */
const SWEEP_MS = 100

const hook = { channel: 'faults', notice: () => '', committed: () => undefined }

/** The server's database layer, with the trial's own tables in each transaction. */
export const openTrialDatabase = (url: string, log: Logger) => {
  const database = createDatabase({
    ...{ url, log, poolSize: POOL_SIZE, timeoutMs: DATABASE_MS, applicationName: 'gantry', slowMs: 60_000 },
  })
  const repositories = (tx: Prisma.TransactionClient) => ({ ...repositoriesFor(tx), book: new TrialBook(tx) })
  const unitOfWork = createUnitOfWork({ prisma: database.prisma, repositoriesFor: repositories, hook })
  return { ...database, unitOfWork }
}

export type TrialDatabase = ReturnType<typeof openTrialDatabase>

/** The server's job system, with the settings that the server has, for one type of job. */
export const openTrialJobs = (
  { prisma, unitOfWork }: TrialDatabase,
  { databaseUrl, redisUrl, timeoutMs, lateMs }: WorkerOrder,
  handle: (delivery: JobDelivery<ReturnType<typeof trialJob>>) => Promise<void>,
  log: Logger,
) => {
  const definition = trialJob(timeoutMs)
  const rareLog = new RareLog(log, systemClock)
  return createJobs({
    backend:
      redisUrl === null
        ? createPostgresBackend({ url: databaseUrl, log: rareLog })
        : createRedisBackend({ url: redisUrl, prefix: 'faults', log: rareLog }),
    ...{ definitions: [definition], handlers: [handleJob(definition, handle)], recurring: [] },
    ...{ outbox: createOutbox(prisma), unitOfWork, control: repositoriesFor(prisma), runs: new PrismaJobRuns(prisma) },
    ...{ bus: { onWake: () => () => undefined }, log, clock: systemClock, timeZone: 'UTC', work: true },
    ...{ sweepMs: SWEEP_MS, lateMs },
  })
}
