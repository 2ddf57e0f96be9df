import type { AllQueueStatistics, JobSchedule, QueueCleanup, ScheduleRun } from '@gantry/schemas'

import {
  notFound,
  nullIfAway,
  queueNameOf,
  type Actor,
  type Clock,
  type JobQueueChange,
  type JobQueues,
  type JobScheduleRepository,
  type Primary,
  type RecurringJob,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { JobStatistics } from './job-statistics.js'
import type { JobAdminRepositories, JobKinds } from './jobs.ports.js'

export interface JobQueuesServiceDeps {
  kinds: JobKinds
  unitOfWork: UnitOfWork<JobAdminRepositories>
  reads: Primary<JobAdminRepositories>
  queues: JobQueues
  statistics: JobStatistics
  clock: Clock
}

export interface CleanupOrder {
  olderThanHours: number
  states: readonly ('completed' | 'failed')[]
}

const HOUR_MS = 60 * 60_000

/** What one transaction removes, and how many of them one clearing makes of each queue. */
const BATCH = 1_000
const MOST_BATCHES = 100

/** Queues and schedules as a whole: how they do, and letting them rest. For admins alone. */
export class JobQueuesService {
  constructor(private readonly deps: JobQueuesServiceDeps) {}

  /** Every queue, as it was at most a second ago. */
  statistics(_actor: Actor): Promise<AllQueueStatistics> {
    return this.deps.statistics.read()
  }

  /** No process takes jobs out of it any more; what runs goes on. Harmless when repeated. @throws GantryError `NOT_FOUND` */
  pause(actor: Actor, queue: string): Promise<void> {
    return this.setPaused(actor, queue, true)
  }

  resume(actor: Actor, queue: string): Promise<void> {
    return this.setPaused(actor, queue, false)
  }

  /** Removes rows of finished jobs, and what others left finished in the queues themselves. */
  async cleanUp(actor: Actor, { olderThanHours, states }: CleanupOrder): Promise<QueueCleanup> {
    const olderThanMs = olderThanHours * HOUR_MS
    const data: QueueCleanup['data'] = {}
    for (const { type } of this.deps.kinds.definitions) {
      const completed = states.includes('completed') ? await this.removeRows(type, 'completed', olderThanMs) : 0
      const failed = states.includes('failed') ? await this.removeRows(type, 'failed', olderThanMs) : 0
      const queue = queueNameOf(type)
      const stale = await this.deps.queues.clean(queue, olderThanMs).catch(nullIfAway)
      data[queue] = { completed, failed, stale }
      const count = completed + failed + (stale ?? 0)
      if (count > 0) await this.deps.unitOfWork.run((tx) => told(tx, actor, queue, 'cleaned', count))
    }
    this.deps.statistics.forget()
    return { success: true, data }
  }

  /** Those that the code knows; when they are due stands in rows, which the workers make. */
  async schedules(_actor: Actor): Promise<JobSchedule[]> {
    const { kinds, reads, clock } = this.deps
    const rows = new Map((await reads.jobSchedules.all()).map((row) => [row.type, row]))
    return kinds.recurring.map((job) => {
      const { type } = job.definition
      const { nextAt, lastAt, lastJobId, pausedAt, pausedById } = rows.get(type) ?? {
        ...{ nextAt: kinds.nextSlot(job, new Date(clock.now())), lastAt: null, lastJobId: null },
        ...{ pausedAt: null, pausedById: null },
      }
      const times = kinds.timesText(job)
      return { type, queue: queueNameOf(type), times, nextAt, lastAt, lastJobId, pausedAt, pausedById }
    })
  }

  /** Slots that pass meanwhile are not made up for. Harmless when repeated. @throws GantryError `NOT_FOUND` */
  pauseSchedule(actor: Actor, type: string): Promise<void> {
    return this.changeSchedule(type, actor, 'paused', (schedules, _job, now) =>
      schedules.setPaused(type, { at: now, byId: actor.id }),
    )
  }

  /** Goes on with the first slot after now. */
  resumeSchedule(actor: Actor, type: string): Promise<void> {
    return this.changeSchedule(type, actor, 'resumed', (schedules, job, now) =>
      schedules.setPaused(type, { nextAt: this.deps.kinds.nextSlot(job, now) }),
    )
  }

  /** Orders it now, paused or not, unless one that was ordered before is not done yet. @throws GantryError `NOT_FOUND` */
  async runSchedule(actor: Actor, type: string): Promise<ScheduleRun> {
    const { definition, payload } = this.scheduleOf(type)
    const ordered = await this.deps.unitOfWork.run((tx) => {
      const event = { type: 'job_schedule.changed', subjectType: 'job_schedule', subjectId: type } as const
      tx.record({ ...event, payload: { type, change: 'ordered' } }, actor.id)
      return Promise.resolve(tx.jobs.add(definition, payload, { deduplication: { id: 'schedule' } }))
    })
    this.deps.statistics.forget()
    return { jobId: (await this.deps.reads.jobRows.get(ordered)) === null ? null : ordered }
  }

  private async setPaused(actor: Actor, queue: string, paused: boolean): Promise<void> {
    if (!this.deps.kinds.definitions.some(({ type }) => queueNameOf(type) === queue)) throw notFound('queue', queue)
    await this.deps.unitOfWork.run(async (tx) => {
      const changed = await tx.jobQueues.setPaused(queue, paused ? { at: tx.now, byId: actor.id } : null)
      if (changed) await told(tx, actor, queue, paused ? 'paused' : 'resumed', null)
    })
    this.deps.statistics.forget()
  }

  private async changeSchedule(
    type: string,
    actor: Actor,
    change: 'paused' | 'resumed',
    set: (schedules: JobScheduleRepository, job: RecurringJob, now: Date) => Promise<boolean>,
  ): Promise<void> {
    const { kinds, unitOfWork } = this.deps
    const job = this.scheduleOf(type)
    await unitOfWork.run(async (tx) => {
      // No worker may have made the row yet.
      const nextAt = kinds.nextSlot(job, tx.now)
      await tx.jobSchedules.define({ type, times: kinds.timesText(job), nextAt })
      if (!(await set(tx.jobSchedules, job, tx.now))) return
      const event = { type: 'job_schedule.changed', subjectType: 'job_schedule', subjectId: type } as const
      tx.record({ ...event, payload: { type, change } }, actor.id)
    })
  }

  private scheduleOf(type: string): RecurringJob {
    const job = this.deps.kinds.recurring.find(({ definition }) => definition.type === type)
    if (job === undefined) throw notFound('schedule', type)
    return job
  }

  private async removeRows(type: string, state: 'completed' | 'failed', olderThanMs: number): Promise<number> {
    let total = 0
    for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
      const removed = await this.deps.unitOfWork.run(({ jobRows, now }) => {
        const before = new Date(now.getTime() - olderThanMs)
        return state === 'completed' ? jobRows.removeDone(type, before, BATCH) : jobRows.removeDead(type, before, BATCH)
      })
      total += removed
      if (removed < BATCH) break
    }
    return total
  }
}

type Transaction = Parameters<Parameters<UnitOfWork<JobAdminRepositories>['run']>[0]>[0]

const told = (
  tx: Pick<Transaction, 'record'>,
  actor: Actor,
  queue: string,
  change: JobQueueChange,
  count: number | null,
): Promise<void> => {
  const payload = { queue, change, count }
  tx.record({ type: 'job_queue.changed', subjectType: 'job_queue', subjectId: queue, payload }, actor.id)
  return Promise.resolve()
}
