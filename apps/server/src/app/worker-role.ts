import { removeExpiredIdempotencyKeys } from '../db/idempotency.js'
import { createOutbox, type PrismaOutbox } from '../db/outbox.js'
import type { Clock, EventBus, JobHandler, Logger } from '../kernel/index.js'
import { handleJob } from '../kernel/index.js'
import { dispatchWake } from '../modules/print-jobs/print-jobs.jobs.js'
import { createJobs, type Jobs } from '../queues/create-jobs.js'
import { jobCatalogue } from '../queues/job-catalogue.js'
import { createMaintenanceHandlers, type MaintenanceStore } from '../queues/maintenance.jobs.js'
import type { Persistence } from './persistence.js'

export interface WorkerRoleDeps {
  persistence: Persistence
  /** Whether this process does jobs or only orders them. */
  work: boolean
  clock: Clock
  log: Logger
}

/** Every handler, one per job of the catalogue. */
const handlers = (store: MaintenanceStore, bus: EventBus, log: Logger): JobHandler[] => [
  handleJob(dispatchWake, () => {
    bus.wake('dispatch')
    return Promise.resolve()
  }),
  ...createMaintenanceHandlers(store, log),
]

const maintenanceStore = ({ database, eventLog }: Persistence, outbox: PrismaOutbox): MaintenanceStore => ({
  removeEventsOlderThan: (hours) => eventLog.removeOlderThan(hours),
  removeExpiredIdempotencyKeys: () => removeExpiredIdempotencyKeys(database.prisma),
  removeFinishedJobs: (kept) => outbox.removeFinished(kept),
})

/** The job system: the outbox relay and the workers. */
export const startWorkerRole = async ({ persistence, work, clock, log }: WorkerRoleDeps): Promise<Jobs> => {
  const { url, bus, database } = persistence
  const outbox = createOutbox(database.prisma)
  const jobs = createJobs({
    ...jobCatalogue(),
    ...{ url, work, bus, clock, log },
    handlers: handlers(maintenanceStore(persistence, outbox), bus, log),
    outbox,
  })
  await jobs.start()
  return jobs
}
