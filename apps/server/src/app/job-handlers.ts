import { removeExpiredIdempotencyKeys } from '../db/idempotency.js'
import { createEndedSessions } from '../db/ended-sessions.js'
import type { PrismaOutbox } from '../db/outbox.js'
import { handleJob, type JobHandler, type Logger } from '../kernel/index.js'
import { createCleanupTokensHandler } from '../modules/auth/cleanup-tokens.js'
import { dispatchWake } from '../modules/print-jobs/print-jobs.jobs.js'
import { createCleanupRecordsHandler, type Clearing } from '../queues/cleanup-records.jobs.js'
import type { Persistence } from './persistence.js'

/** How long events can be read; an older cursor gets `resync`. */
const EVENTS_KEPT_HOURS = 24

/** Done jobs tell little; dead ones are kept for whoever looks into them. */
const FINISHED_JOBS_KEPT = { doneDays: 1, deadDays: 30 } as const

export interface JobHandlersDeps {
  persistence: Persistence
  outbox: PrismaOutbox
  log: Logger
}

const clearings = ({ persistence, outbox }: JobHandlersDeps): Clearing[] => [
  { what: 'events', remove: () => persistence.eventLog.removeOlderThan(EVENTS_KEPT_HOURS) },
  { what: 'idempotency keys', remove: () => removeExpiredIdempotencyKeys(persistence.database.prisma) },
  { what: 'jobs', remove: () => outbox.removeFinished(FINISHED_JOBS_KEPT) },
]

/** Every handler, one per job of the catalogue. */
export const jobHandlers = (deps: JobHandlersDeps): JobHandler[] => [
  handleJob(dispatchWake, () => {
    deps.persistence.bus.wake('dispatch')
    return Promise.resolve()
  }),
  createCleanupRecordsHandler(clearings(deps), deps.log),
  createCleanupTokensHandler({ sessions: createEndedSessions(deps.persistence.database.prisma), log: deps.log }),
]
