import type { PrintJob, PrintJobEvent } from '@gantry/schemas'

import {
  readyBatches,
  type Actor,
  type EventCursor,
  type FollowEvents,
  type Primary,
  type SnapshotDue,
  type StoredEvent,
} from '../../kernel/index.js'
import type { Found, JobStreamReads } from './job-stream-reads.js'
import type { PrintJobRepository } from './print-jobs.ports.js'

const PAGE = 200
/** Events of one lot. */
const MOST_AT_ONCE = 200
/** A snapshot holds what is not over; a queue longer than this is paged through `printJobs.list`. */
const SNAPSHOT_JOBS = 1_000

export interface JobStreamDeps {
  /** Whoever heard of a change must see it. */
  reads: Primary<{ printJobs: PrintJobRepository }>
  changed: Pick<JobStreamReads, 'find'>
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
  { reads, changed, follow }: JobStreamDeps,
  actor: Actor,
  cursor: EventCursor | null,
  signal: AbortSignal,
): AsyncGenerator<JobStreamItem, void, void> {
  const over = new AbortController()
  try {
    const items = follow(cursor, AbortSignal.any([signal, over.signal]))
    for await (const batch of readyBatches(items, MOST_AT_ONCE)) yield* tell({ reads, changed }, actor, batch)
  } finally {
    over.abort()
  }
}

/** What the events of one lot are about is read once for all of them, and again after a snapshot, which is newer. */
async function* tell(
  { reads, changed }: Pick<JobStreamDeps, 'reads' | 'changed'>,
  actor: Actor,
  batch: (StoredEvent | SnapshotDue)[],
): AsyncGenerator<JobStreamItem, void, void> {
  let found: Found | null = null
  for (const [index, item] of batch.entries()) {
    if (item.type === 'snapshot') {
      const jobs = await unfinishedJobs(reads.printJobs, actor)
      yield { cursor: item.cursor, data: { type: 'snapshot', resync: item.resync, jobs } }
      found = null
      continue
    }
    const subject = subjectOf(item)
    if (subject === null) continue
    found ??= await find(changed, actor, batch.slice(index))
    const job = found.jobs.get(subject.jobId)
    if (job === undefined) continue
    const attempt = subject.attemptId === null ? null : (found.attempts.get(subject.attemptId) ?? null)
    yield { cursor: item.cursor, data: { type: 'changed', job, attempt } }
  }
}

const find = (
  changed: JobStreamDeps['changed'],
  actor: Actor,
  items: (StoredEvent | SnapshotDue)[],
): Promise<Found> => {
  const subjects = items.flatMap((item) => (item.type === 'snapshot' ? [] : (subjectOf(item) ?? [])))
  const jobIds = new Set(subjects.map(({ jobId }) => jobId))
  const attemptIds = new Set(subjects.flatMap(({ attemptId }) => attemptId ?? []))
  return changed.find(actor, [...jobIds], [...attemptIds])
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
