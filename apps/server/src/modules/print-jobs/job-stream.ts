import type { PrintJob, PrintJobEvent } from '@gantry/schemas'

import type { Actor, EventCursor, FollowEvents, StoredEvent } from '../../kernel/index.js'
import type { AttemptRepository, PrintJobRepository } from './print-jobs.ports.js'

const PAGE = 200
/** A snapshot holds what is not over; a queue longer than this is paged through `printJobs.list`. */
const SNAPSHOT_JOBS = 1_000

export interface JobStreamDeps {
  reads: { printJobs: PrintJobRepository; attempts: AttemptRepository }
  follow: FollowEvents
}

export interface JobStreamItem {
  cursor: EventCursor
  data: PrintJobEvent
}

/**
 * Jobs as they change, for what the actor may see: a snapshot of all that is not over, then every stored event about a
 * job or an attempt, each with its cursor. Resumes after the cursor of the last item without a gap or a double.
 */
export async function* jobStream(
  { reads, follow }: JobStreamDeps,
  actor: Actor,
  cursor: EventCursor | null,
  signal: AbortSignal,
): AsyncGenerator<JobStreamItem, void, void> {
  for await (const item of follow(cursor, signal)) {
    if (item.type === 'snapshot') {
      const jobs = await unfinishedJobs(reads.printJobs, actor)
      yield { cursor: item.cursor, data: { type: 'snapshot', resync: item.resync, jobs } }
      continue
    }
    const subject = subjectOf(item)
    if (subject === null) continue
    // Side by side: one after the other, a stream falls behind on a busy farm.
    const [job, attempt] = await Promise.all([
      reads.printJobs.get(actor, subject.jobId),
      subject.attemptId === null ? null : reads.attempts.get(actor, subject.attemptId),
    ])
    if (job === null) continue
    yield { cursor: item.cursor, data: { type: 'changed', job, attempt } }
  }
}

const subjectOf = (event: StoredEvent): { jobId: string; attemptId: string | null } | null => {
  switch (event.type) {
    case 'print_job.created':
    case 'print_job.changed':
      return { jobId: event.payload.jobId, attemptId: null }
    case 'attempt.changed':
    case 'attempt.reassign_requested':
      return { jobId: event.payload.jobId, attemptId: event.payload.attemptId }
    default:
      return null
  }
}

const unfinishedJobs = async (printJobs: PrintJobRepository, actor: Actor): Promise<PrintJob[]> => {
  const jobs: PrintJob[] = []
  for (let cursor: string | null = null; jobs.length < SNAPSHOT_JOBS;) {
    const states = ['queued' as const, 'printing' as const, 'held' as const]
    const page = await printJobs.list(actor, { order: 'newest', states, projectId: null, limit: PAGE, cursor })
    jobs.push(...page.items)
    if (page.nextCursor === null) break
    cursor = page.nextCursor
  }
  return jobs
}
