import type { JobDetail, JobsChanged, JobState, JobSummary, Page } from '@gantry/schemas'

import {
  GantryError,
  notFound,
  nullIfAway,
  queueNameOf,
  type Actor,
  type Clock,
  type JobDefinition,
  type JobQueues,
  type Primary,
  type QueuedEntry,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { JobStatistics } from './job-statistics.js'
import { JobViews, type Mask } from './job-views.js'
import type { JobAdminRepositories, JobRow, JobRowRepository } from './jobs.ports.js'

export interface JobsServiceDeps {
  definitions: readonly JobDefinition[]
  unitOfWork: UnitOfWork<JobAdminRepositories>
  reads: Primary<JobAdminRepositories>
  queues: JobQueues
  statistics: Pick<JobStatistics, 'forget'>
  mask: Mask
  clock: Clock
  /** Tells the relay that there is something for it. */
  wakeRelay: () => void
}

export interface JobListQuery {
  queue: string | null
  state: JobState
  limit: number
  cursor: string | null
}

/** What one transaction changes, and how many of them one call makes. */
const BATCH = 500
const MOST_BATCHES = 100

/** More than that never run at the same time in one queue. */
const MOST_ACTIVE = 200

/** One job among the many, and all dead ones of a type: to look at, to order anew, to throw away. For admins alone. */
export class JobsService {
  private readonly views: JobViews

  constructor(private readonly deps: JobsServiceDeps) {
    this.views = new JobViews(deps.definitions, deps.mask, deps.clock)
  }

  /**
   * Rows, a page at a time; wake-ups, which have none, come before the first page's rows. Running jobs are few and come
   * on one page.
   * @throws GantryError `NOT_FOUND` for an unknown queue, `UNAVAILABLE` for running jobs when the queues do not answer
   */
  async list(_actor: Actor, { queue, state, limit, cursor }: JobListQuery): Promise<Page<JobSummary>> {
    const types = this.typesOf(queue)
    if (state === 'active') return { items: await this.active(types, limit), nextCursor: null }
    const ofAll = queue === null && state === 'failed'
    const isOpen = state === 'waiting' || state === 'delayed'
    const [wakeUps, active] = await Promise.all([
      isOpen && cursor === null ? this.wakeUps(types, state, limit) : [],
      state === 'waiting' ? this.entries(types, 'active', MOST_ACTIVE).catch(nullIfAway) : null,
    ])
    const except = (active ?? []).flatMap(({ outboxId }) => (outboxId === null ? [] : [outboxId]))
    const query = { state, types: ofAll ? null : types, except, limit, cursor }
    const { items, nextCursor } = await this.deps.reads.jobRows.list(query)
    return { items: [...wakeUps, ...items.map((row) => this.views.ofRow(row, null))], nextCursor }
  }

  /** @throws GantryError `NOT_FOUND`; `UNAVAILABLE` for a wake-up when the queues do not answer */
  async get(_actor: Actor, id: string): Promise<JobDetail> {
    const wakeUp = wakeUpOf(id)
    if (wakeUp !== null) {
      const entry = await this.deps.queues.find(wakeUp.queue, wakeUp)
      if (entry === null) throw notFound('job', id)
      return this.views.detailOfWakeUp(entry)
    }
    const row = await this.rowOf(this.deps.reads.jobRows, id)
    return this.views.detailOfRow(row, row.state === 'relayed' ? await this.runningOf(row) : null)
  }

  /** A dead job is ordered as if for the first time. @throws GantryError `NOT_FOUND`, `INVALID_STATE` */
  async retry(actor: Actor, id: string): Promise<void> {
    if (wakeUpOf(id) !== null) throw invalidState('only dead jobs can be retried')
    await this.deps.unitOfWork.run(async (tx) => {
      const row = await this.rowOf(tx.jobRows, id)
      this.assertKnown(row.type)
      if ((await tx.jobRows.retry([id])) === 0) throw invalidState('only dead jobs can be retried')
      tx.record(changed(row, 'retried'), actor.id)
    })
    this.toldRelay()
  }

  /**
   * Throws a dead or waiting job away, out of its queue too.
   * @throws GantryError `NOT_FOUND`; `INVALID_STATE` for one that runs or is done; `UNAVAILABLE` when it lies in a queue
   * that does not answer
   */
  async discard(actor: Actor, id: string): Promise<void> {
    const wakeUp = wakeUpOf(id)
    if (wakeUp !== null) return this.discardWakeUp(actor, wakeUp, id)
    const row = await this.rowOf(this.deps.reads.jobRows, id)
    if (row.state === 'done') throw invalidState('the job is done')
    if (row.state === 'relayed' && (await this.removeFromQueue(row)) === 'active') throw invalidState('the job runs')
    await this.deps.unitOfWork.run(async (tx) => {
      // Whoever relays or finishes it at the same moment is first.
      if (!(await tx.jobRows.remove(id, row.state))) throw invalidState('the job has just gone on; look again')
      tx.record(changed(row, 'discarded'), actor.id)
    })
    this.deps.statistics.forget()
  }

  /** Every dead job of a type that died before the call. @throws GantryError `INVALID_STATE` for a type unknown here */
  async retryAll(actor: Actor, type: string): Promise<JobsChanged> {
    this.assertKnown(type)
    const changed = await this.inBatches(actor, type, 'retried', (rows, now) => rows.retryDead(type, now, BATCH))
    this.toldRelay()
    return changed
  }

  discardAll(actor: Actor, type: string): Promise<JobsChanged> {
    return this.inBatches(actor, type, 'discarded', (rows, now) => rows.removeDead(type, now, BATCH))
  }

  private async inBatches(
    actor: Actor,
    type: string,
    change: 'retried' | 'discarded',
    work: (rows: JobRowRepository, before: Date) => Promise<number>,
  ): Promise<JobsChanged> {
    const queue = queueNameOf(type)
    let [total, before] = [0, null as Date | null]
    for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
      const count = await this.deps.unitOfWork.run(async (tx) => {
        before ??= tx.now
        const count = await work(tx.jobRows, before)
        const payload = { queue, change, count }
        if (count > 0) {
          tx.record({ type: 'job_queue.changed', subjectType: 'job_queue', subjectId: queue, payload }, actor.id)
        }
        return count
      })
      total += count
      if (count < BATCH) {
        this.deps.statistics.forget()
        return { count: total, more: false }
      }
    }
    this.deps.statistics.forget()
    return { count: total, more: true }
  }

  private async active(types: readonly string[], limit: number): Promise<JobSummary[]> {
    const entries = (await this.entries(types, 'active', MOST_ACTIVE)).slice(0, limit)
    const ids = entries.flatMap(({ outboxId }) => (outboxId === null ? [] : [outboxId]))
    const rows = new Map((await this.deps.reads.jobRows.byIds(ids)).map((row) => [row.id, row]))
    return entries.flatMap((entry) => {
      if (entry.outboxId === null) return [this.views.ofWakeUp(entry)]
      const row = rows.get(entry.outboxId)
      // One that ended meanwhile is no longer shown as running.
      return row?.state === 'relayed' ? [this.views.ofRow(row, entry)] : []
    })
  }

  private async wakeUps(types: readonly string[], state: 'waiting' | 'delayed', limit: number): Promise<JobSummary[]> {
    const entries = await this.entries(types, state, limit).catch(nullIfAway)
    return (entries ?? []).filter(({ outboxId }) => outboxId === null).map((entry) => this.views.ofWakeUp(entry))
  }

  private async entries(types: readonly string[], state: QueuedEntry['state'], limit: number): Promise<QueuedEntry[]> {
    const ofQueues = await Promise.all(types.map((type) => this.deps.queues.entries(queueNameOf(type), state, limit)))
    return ofQueues
      .flat()
      .sort((a, b) => +a.addedAt - +b.addedAt)
      .slice(0, limit)
  }

  private typesOf(queue: string | null): string[] {
    const types = this.deps.definitions.map(({ type }) => type)
    if (queue === null) return types
    const ofQueue = types.filter((type) => queueNameOf(type) === queue)
    if (ofQueue.length === 0) throw notFound('queue', queue)
    return ofQueue
  }

  private async rowOf(rows: JobRowRepository, id: string): Promise<JobRow> {
    const row = await rows.get(id)
    if (row === null) throw notFound('job', id)
    return row
  }

  private async runningOf(row: JobRow): Promise<QueuedEntry | null> {
    const entry = await this.deps.queues.find(queueNameOf(row.type), deliveryOf(row)).catch(nullIfAway)
    return entry?.state === 'active' ? entry : null
  }

  private removeFromQueue(row: JobRow) {
    return this.deps.queues.remove(queueNameOf(row.type), deliveryOf(row))
  }

  private async discardWakeUp(actor: Actor, wakeUp: WakeUpId, id: string): Promise<void> {
    const { queue } = wakeUp
    const outcome = await this.deps.queues.remove(queue, wakeUp)
    if (outcome === 'absent') throw notFound('job', id)
    if (outcome === 'active') throw invalidState('the job runs')
    await this.deps.unitOfWork.run((tx) => {
      const payload = { queue, change: 'discarded', count: 1 } as const
      tx.record({ type: 'job_queue.changed', subjectType: 'job_queue', subjectId: queue, payload }, actor.id)
      return Promise.resolve()
    })
    this.deps.statistics.forget()
  }

  private assertKnown(type: string): void {
    if (!this.deps.definitions.some((definition) => definition.type === type)) {
      throw invalidState('nobody here knows jobs of this type')
    }
  }

  private toldRelay(): void {
    this.deps.statistics.forget()
    this.deps.wakeRelay()
  }
}

interface WakeUpId {
  queue: string
  queueId: string
}

const wakeUpOf = (id: string): WakeUpId | null => {
  const colon = id.indexOf(':')
  return colon === -1 ? null : { queue: id.slice(0, colon), queueId: id.slice(colon + 1) }
}

const deliveryOf = ({ id, relayCount }: JobRow) => ({ outboxId: id, delivery: relayCount })

const invalidState = (detail: string) => new GantryError('INVALID_STATE', { params: { detail } })

const changed = ({ id, type }: JobRow, change: 'retried' | 'discarded') => ({
  ...{ type: 'job.changed' as const, subjectType: 'job', subjectId: id },
  payload: { outboxId: id, type, change },
})
