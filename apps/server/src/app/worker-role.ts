import type { Config } from '../config/config.js'
import { PrismaJobRuns } from '../db/job-runs.js'
import { createOutbox, type PrismaOutbox } from '../db/outbox.js'
import { RareLog, type Logger, type Stoppable, type Timers, type Tracer } from '../kernel/index.js'
import type { Seals } from '../modules/audit/seals.js'
import type { ExportStorage } from '../modules/exports/exports.ports.js'
import type { FileStorage } from '../modules/files/file-storage.port.js'
import type { JobStatistics } from '../modules/jobs/job-statistics.js'
import type { CredentialSealer } from '../modules/printers/printers.ports.js'
import type { WebhookSender } from '../modules/webhooks/webhooks.ports.js'
import type { Metrics } from '../observability/metrics.js'
import type { QueueBackend } from '../queues/backend.port.js'
import { createJobs, type Jobs } from '../queues/create-jobs.js'
import { jobCatalogue } from '../queues/job-catalogue.js'
import type { QueuesOfJobs } from '../queues/job-queues.js'
import { LegacyIntake } from '../queues/legacy-intake.js'
import { createPostgresBackend } from '../queues/postgres-backend.js'
import { createRedisBackend } from '../queues/redis-backend.js'
import { startSealer } from './audit.js'
import { countRunsIn, showQueuesIn } from './job-metrics.js'
import { jobHandlers } from './job-handlers.js'
import type { Persistence } from './persistence.js'
import { startFanOut } from './webhooks.js'
import type { WarmUp } from './warm-up.js'

export interface WorkerRoleDeps {
  config: Pick<Config, 'audit' | 'auth' | 'http' | 'jobs' | 'mail' | 'roles' | 'timeZone'>
  persistence: Persistence
  storage: FileStorage
  exportStorage: ExportStorage
  sealer: CredentialSealer
  webhookSender: WebhookSender
  warmUp: WarmUp
  /** Whether this process does jobs or only orders them. */
  work: boolean
  metrics: Metrics
  queues: QueuesOfJobs
  jobStatistics: JobStatistics
  auditSeals: Seals
  tracer: Tracer
  clock: Timers
  log: Logger
}

export interface WorkerRole extends Stoppable {
  jobs: Jobs
}

const openBackend = ({ config, persistence, log, clock }: WorkerRoleDeps): QueueBackend => {
  const { redis } = config.jobs
  const rareLog = new RareLog(log, clock)
  return redis === null
    ? createPostgresBackend({ url: persistence.url, log: rareLog })
    : createRedisBackend({ ...redis, log: rareLog })
}

/** Takes over what older producers put into Redis; null where there is none. */
const openIntake = (deps: WorkerRoleDeps, outbox: PrismaOutbox): LegacyIntake | null => {
  const { config, persistence, work, log, clock } = deps
  const { redis } = config.jobs
  if (!work || redis?.legacyPrefix === undefined || redis.legacyPrefix === null) return null
  const backend = createRedisBackend({ url: redis.url, prefix: redis.legacyPrefix, log: new RareLog(log, clock) })
  const { definitions } = jobCatalogue()
  return new LegacyIntake({ backend, definitions, unitOfWork: persistence.unitOfWork, outbox, log })
}

/** The job system: the outbox relay, the schedules and the workers. */
export const startWorkerRole = async (deps: WorkerRoleDeps): Promise<WorkerRole> => {
  const { config, persistence, work, metrics, tracer, clock, log } = deps
  const { timeZone } = config
  const { bus, database, unitOfWork, reads } = persistence
  const outbox = createOutbox(database.prisma)
  const jobs = createJobs({
    ...jobCatalogue({ cleanupIntervalMs: config.auth.cleanupIntervalMs }),
    ...{ work, bus, clock, log, tracer, outbox, unitOfWork, control: reads, timeZone },
    observe: countRunsIn(metrics),
    backend: openBackend(deps),
    runs: new PrismaJobRuns(database.prisma),
    handlers: jobHandlers({ ...deps, outbox, timeZone }),
  })
  const intake = openIntake(deps, outbox)
  await jobs.start()
  deps.queues.use(jobs)
  await intake?.start()
  const fanOut = work ? startFanOut(persistence, log) : null
  const sealer = work ? startSealer(persistence, deps.auditSeals, log) : null
  const gauges = config.roles.some((role) => role !== 'fleet')
    ? showQueuesIn({ metrics, statistics: deps.jobStatistics, clock, log })
    : null
  const stop = async () => {
    gauges?.stop()
    await Promise.all([fanOut?.stop(), sealer?.stop(), intake?.stop(), jobs.stop()])
  }
  return { jobs, stop }
}
