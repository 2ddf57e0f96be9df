import type { Config } from '../config/config.js'
import type { JobQueues, Timers } from '../kernel/index.js'
import { JobQueuesService } from '../modules/jobs/job-queues.service.js'
import { JobStatistics } from '../modules/jobs/job-statistics.js'
import { JobsService } from '../modules/jobs/jobs.service.js'
import { redact } from '../observability/redact.js'
import { jobCatalogue } from '../queues/job-catalogue.js'
import { nextSlot, timesText } from '../queues/job-times.js'
import type { Services } from '../trpc/services.js'
import type { Persistence } from './persistence.js'

export interface JobAdministrationDeps {
  config: Pick<Config, 'auth' | 'timeZone'>
  persistence: Pick<Persistence, 'unitOfWork' | 'reads' | 'bus'>
  /** The queues of jobs that may be started later. */
  queues: JobQueues
  clock: Timers
}

/** What the log would not show, pages do not show either. */
const mask = (value: unknown): unknown => (redact({ value }) as { value: unknown }).value

/** Queues, schedules and jobs as admins see and change them, in every process. */
export const composeJobAdministration = ({
  config,
  persistence: { unitOfWork, reads, bus },
  queues,
  clock,
}: JobAdministrationDeps): Pick<Services, 'jobs' | 'jobQueues'> & { statistics: JobStatistics } => {
  const catalogue = jobCatalogue({ cleanupIntervalMs: config.auth.cleanupIntervalMs })
  const { definitions } = catalogue
  const statistics = new JobStatistics({ definitions, reads, queues, clock })
  const kinds = {
    ...catalogue,
    timesText,
    nextSlot: (...[job, after]: [Parameters<typeof nextSlot>[0], Date]) => nextSlot(job, after, config.timeZone),
  }
  const shared = { unitOfWork, reads, queues, statistics, clock }
  return {
    statistics,
    jobs: new JobsService({ ...shared, definitions, mask, wakeRelay: () => bus.wake('outbox') }),
    jobQueues: new JobQueuesService({ ...shared, kinds }),
  }
}
