import type { Job } from 'bullmq'

import { inTime } from '../kernel/clock.js'
import { GantryError } from '../kernel/errors.js'
import type { JobQueues, QueuedCounts, QueuedEntry, QueuedKey } from '../kernel/job-queues.port.js'
import type { GantryQueue } from './backend.port.js'
import type { Jobs } from './create-jobs.js'
import { queuedJob, queueIdOf, type QueuedJob } from './queued-job.js'

/** How long a person who looks is kept waiting for the queues. */
const DEADLINE_MS = 1_000

/** How many finished jobs of others one clearing takes out of a queue. */
const MOST_CLEANED = 10_000

/** By BullMQ's names. */
const LISTS = { waiting: ['wait', 'prioritized'], active: ['active'], delayed: ['delayed'] } as const

const unavailable = (cause?: unknown) =>
  new GantryError('UNAVAILABLE', { detail: 'the job queues do not answer', cause })

type OpenJobs = Pick<Jobs, 'queues' | 'counts'>

/** What admins see of the queues and take out of them. Until the jobs are started they do not answer. */
export class QueuesOfJobs implements JobQueues {
  private jobs: OpenJobs | null = null

  use(jobs: OpenJobs): void {
    this.jobs = jobs
  }

  counts(): Promise<ReadonlyMap<string, QueuedCounts>> {
    return this.inTime((jobs) => jobs.counts())
  }

  async entries(name: string, state: QueuedEntry['state'], limit: number): Promise<QueuedEntry[]> {
    const found = await this.inTime((jobs) => queueIn(jobs, name).getJobs([...LISTS[state]], 0, limit - 1, true))
    return found.slice(0, limit).map((job) => entryOf(job, name, state))
  }

  find(name: string, key: QueuedKey): Promise<QueuedEntry | null> {
    return this.inTime(async (jobs) => {
      const [queue, queueId] = [queueIn(jobs, name), idOf(key)]
      const [job, state] = await Promise.all([queue.getJob(queueId), queue.getJobState(queueId)])
      const told = state === 'prioritized' ? 'waiting' : state
      if (job === undefined || (told !== 'waiting' && told !== 'active' && told !== 'delayed')) return null
      return entryOf(job, name, told)
    })
  }

  remove(name: string, key: QueuedKey): Promise<'removed' | 'absent' | 'active'> {
    return this.inTime(async (jobs) => {
      const [queue, queueId] = [queueIn(jobs, name), idOf(key)]
      const job = await queue.getJob(queueId)
      if (job === undefined) return 'absent'
      try {
        await job.remove()
        return 'removed'
      } catch (error) {
        // A worker has taken it: BullMQ does not remove what is locked.
        if ((await queue.getJobState(queueId)) === 'active') return 'active'
        throw error
      }
    })
  }

  clean(name: string, olderThanMs: number): Promise<number> {
    return this.inTime(async (jobs) => {
      const queue = queueIn(jobs, name)
      const cleaned = await Promise.all([
        queue.clean(olderThanMs, MOST_CLEANED, 'completed'),
        queue.clean(olderThanMs, MOST_CLEANED, 'failed'),
      ])
      return cleaned.flat().length
    })
  }

  private async inTime<T>(ask: (jobs: OpenJobs) => Promise<T>): Promise<T> {
    const { jobs } = this
    if (jobs === null) throw unavailable()
    try {
      return await inTime(DEADLINE_MS, ask(jobs))
    } catch (cause) {
      throw cause instanceof GantryError ? cause : unavailable(cause)
    }
  }
}

const queueIn = ({ queues }: OpenJobs, name: string): GantryQueue => {
  const queue = queues.get(name)
  if (queue === undefined) throw new GantryError('NOT_FOUND', { params: { resource: 'queue' } })
  return queue
}

const idOf = (key: QueuedKey): string =>
  'queueId' in key ? key.queueId : queueIdOf({ id: key.outboxId, delivery: key.delivery })

/** What others have put there is shown as it lies there. */
const entryOf = (job: Job<QueuedJob, void>, queue: string, state: QueuedEntry['state']): QueuedEntry => {
  const { success, data } = queuedJob.safeParse(job.data)
  return {
    ...{ queue, queueId: job.id ?? '', type: job.name, state },
    outboxId: data?.outbox?.id ?? null,
    version: success ? data.version : 0,
    payload: success ? data.payload : job.data,
    priority: job.priority === 0 ? null : job.priority,
    attempt: data?.outbox?.delivery ?? job.attemptsMade + (state === 'active' ? 1 : 0),
    attempts: data?.outbox?.attempts ?? job.opts.attempts ?? 1,
    addedAt: new Date(job.timestamp),
    dueAt: state === 'delayed' ? new Date(job.timestamp + job.delay) : null,
    startedAt: state === 'active' && job.processedOn !== undefined ? new Date(job.processedOn) : null,
  }
}
