import { createOutbox } from '../db/outbox.js'
import type { Clock, Logger } from '../kernel/index.js'
import { createJobs, type Jobs } from '../queues/create-jobs.js'
import { jobCatalogue } from '../queues/job-catalogue.js'
import { jobHandlers } from './job-handlers.js'
import type { Persistence } from './persistence.js'

export interface WorkerRoleDeps {
  persistence: Persistence
  /** Whether this process does jobs or only orders them. */
  work: boolean
  clock: Clock
  log: Logger
}

/** The job system: the outbox relay and the workers. */
export const startWorkerRole = async ({ persistence, work, clock, log }: WorkerRoleDeps): Promise<Jobs> => {
  const { url, bus, database } = persistence
  const outbox = createOutbox(database.prisma)
  const jobs = createJobs({
    ...jobCatalogue(),
    ...{ url, work, bus, clock, log, outbox },
    handlers: jobHandlers({ persistence, outbox, log }),
  })
  await jobs.start()
  return jobs
}
