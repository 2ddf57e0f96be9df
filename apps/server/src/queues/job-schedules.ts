import type { JobControlRepositories } from '../kernel/job-control.port.js'
import type { RecurringJob } from '../kernel/jobs.js'
import type { RareLog } from '../kernel/rare-log.js'
import type { UnitOfWork } from '../kernel/unit-of-work.port.js'
import { nextSlot, timesText } from './job-times.js'

export interface JobSchedulesOptions {
  recurring: readonly RecurringJob[]
  unitOfWork: UnitOfWork<JobControlRepositories>
  timeZone: string
  /** How often it is looked whether something is due. */
  everyMs: number
  log: RareLog
}

/**
 * Orders recurring jobs when they are due. When that is stands in a row, so a slot is ordered once by whichever process
 * locks it first, and one that nobody was there for is ordered once, late.
 */
export class JobSchedules {
  private readonly byType: ReadonlyMap<string, RecurringJob>
  private defined = false
  private timer: NodeJS.Timeout | undefined
  private looking: Promise<void> = Promise.resolve()
  private stopped = false

  constructor(private readonly options: JobSchedulesOptions) {
    this.byType = new Map(options.recurring.map((job) => [job.definition.type, job]))
    // A pattern that cannot be read must stop the start, not the first slot.
    for (const job of options.recurring) nextSlot(job, new Date(), options.timeZone)
  }

  start(): void {
    this.looking = this.look()
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.looking
  }

  private async look(): Promise<void> {
    try {
      await this.orderDue()
    } catch (err) {
      this.options.log.warn({ err }, 'recurring jobs cannot be ordered')
    }
    if (!this.stopped) this.timer = setTimeout(() => this.start(), this.options.everyMs)
  }

  /** @returns how many were ordered */
  async orderDue(): Promise<number> {
    const { unitOfWork, timeZone } = this.options
    const ordered = await unitOfWork.run(async (tx) => {
      if (!this.defined) await this.define(tx.jobSchedules, tx.now)
      const due = await tx.jobSchedules.lockDue([...this.byType.keys()], tx.now)
      for (const { type, nextAt: lastAt } of due) {
        const job = this.byType.get(type)
        if (job === undefined) continue
        // One that is not done yet when its next slot comes is not joined by another.
        const jobId = tx.jobs.add(job.definition, job.payload, { deduplication: { id: 'schedule' } })
        await tx.jobSchedules.moveOn(type, { nextAt: nextSlot(job, tx.now, timeZone), lastAt, jobId })
      }
      return due.length
    })
    this.defined = true
    return ordered
  }

  private async define(schedules: JobControlRepositories['jobSchedules'], now: Date): Promise<void> {
    for (const [type, job] of this.byType) {
      await schedules.define({ type, times: timesText(job), nextAt: nextSlot(job, now, this.options.timeZone) })
    }
  }
}
