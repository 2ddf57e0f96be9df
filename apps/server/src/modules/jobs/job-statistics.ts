import type { AllQueueStatistics, Percentiles, QueueStatistics } from '@gantry/schemas'

import {
  durationAt,
  nullIfAway,
  queueNameOf,
  SharedRead,
  type JobDefinition,
  type JobQueueRepository,
  type JobQueues,
  type QueuedCounts,
  type Timers,
} from '../../kernel/index.js'
import type { JobRowCounts, JobRowRepository, JobRunMinute, RunWindows } from './jobs.ports.js'

export interface JobStatisticsDeps {
  definitions: readonly JobDefinition[]
  reads: {
    jobRows: Pick<JobRowRepository, 'counts' | 'relayed' | 'runs'>
    jobQueues: Pick<JobQueueRepository, 'paused'>
  }
  queues: Pick<JobQueues, 'counts'>
  clock: Timers
}

/** Whoever asks within this time gets the same numbers: many who watch cost what one costs. */
const SHARED_MS = 1_000

const WINDOWS: RunWindows = { minutes: 60, measured: 15, completedHours: 24 }

/** How every queue does: rows, queues and the counts of runs put together. */
export class JobStatistics {
  private readonly shared: SharedRead<AllQueueStatistics>

  constructor(private readonly deps: JobStatisticsDeps) {
    this.shared = new SharedRead(() => this.load(), SHARED_MS, deps.clock)
  }

  /** At most a second old. @throws GantryError `UNAVAILABLE` when the database does not answer */
  read(): Promise<AllQueueStatistics> {
    return this.shared.read()
  }

  /** Something was changed by hand: whoever did it wants to see it. */
  forget(): void {
    this.shared.forget()
  }

  private async load(): Promise<AllQueueStatistics> {
    const { definitions, reads, queues, clock } = this.deps
    const known = definitions.map(({ type }) => type)
    const [queued, rows, runs, paused] = await Promise.all([
      queues.counts().catch(nullIfAway),
      reads.jobRows.counts(known),
      reads.jobRows.runs(WINDOWS),
      reads.jobQueues.paused(),
    ])
    const pausedNames = new Set(paused.map(({ name }) => name))
    const completed = new Map(runs.completed.map(({ queue, count }) => [queue, count]))
    const handedOver = queued === null ? await reads.jobRows.relayed(known) : new Map<string, number>()
    // What is dead of a type that nobody here knows is shown too: somebody has to look after it.
    const data = rows.map((row): [string, QueueStatistics] => {
      const queue = queueNameOf(row.type)
      const lying = queued?.get(queue) ?? { ...NOTHING, waiting: handedOver.get(row.type) ?? 0 }
      const minutes = runs.minutes.filter((minute) => minute.queue === queue)
      return [
        queue,
        {
          ...countsOf(row, lying, clock.now()),
          completed: completed.get(queue) ?? 0,
          paused: pausedNames.has(queue),
          isKnown: known.includes(row.type),
          ...pace(minutes),
        },
      ]
    })
    return { success: true, queueReachable: queued !== null, data: Object.fromEntries(data) }
  }
}

const NOTHING: QueuedCounts = { waiting: 0, active: 0, delayed: 0, oldestDueAt: null }

/** A row that was handed over lies in the queue and is counted there; a wake-up lies nowhere else. */
const countsOf = (row: JobRowCounts, queued: QueuedCounts, nowMs: number) => {
  const since = [row.oldestDueAt, queued.oldestDueAt].flatMap((at) => (at === null ? [] : [at.getTime()]))
  return {
    waiting: row.due + queued.waiting,
    active: queued.active,
    failed: row.dead,
    delayed: row.delayed + queued.delayed,
    oldestAgeSeconds: since.length === 0 ? null : Math.max(0, Math.round((nowMs - Math.min(...since)) / 100) / 10),
  }
}

const pace = (minutes: readonly JobRunMinute[]) => {
  const lastHour = Array<number>(WINDOWS.minutes).fill(0)
  for (const { minutesAgo, runs } of minutes) {
    const index = WINDOWS.minutes - 1 - minutesAgo
    if (index >= 0 && index < lastHour.length) lastHour[index] = runs
  }
  const measured = lastHour.slice(-WINDOWS.measured).reduce((sum, runs) => sum + runs, 0)
  return {
    throughputPerMinute: Math.round((measured / WINDOWS.measured) * 100) / 100,
    waitMs: percentilesOf(minutes.map(({ waited }) => waited)),
    runMs: percentilesOf(minutes.map(({ took }) => took)),
    lastHour,
  }
}

const percentilesOf = (lists: readonly (readonly number[])[]): Percentiles => {
  const sums: number[] = []
  for (const list of lists) for (const [index, count] of list.entries()) sums[index] = (sums[index] ?? 0) + count
  return { p50: durationAt(sums, 0.5), p95: durationAt(sums, 0.95), p99: durationAt(sums, 0.99) }
}
