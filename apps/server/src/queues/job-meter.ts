import type { Clock } from '../kernel/clock.js'
import {
  DURATION_CLASSES,
  durationClass,
  type JobOutcome,
  type JobRunCounts,
  type JobRunStore,
} from '../kernel/job-runs.js'
import type { RareLog } from '../kernel/rare-log.js'

export interface JobRun {
  queue: string
  outcome: JobOutcome
  /** From the time at which the job could have begun to its begin. */
  waitedMs: number
  tookMs: number
}

export interface JobMeterOptions {
  store: JobRunStore
  clock: Clock
  log: RareLog
  /** Told of each run. */
  observe: (run: JobRun) => void
  /** How often counts are written; a process that is killed loses those of so long. @default 5000 */
  flushMs?: number
}

const MINUTE_MS = 60_000
/** While the database is away, older minutes are dropped. */
const MOST_KEPT = 1_000

/** Counts how jobs went, by queue and minute, and writes the counts down now and then: one statement for many jobs. */
export class JobMeter {
  private kept = new Map<string, JobRunCounts>()
  private timer: NodeJS.Timeout | undefined
  private flushing: Promise<void> = Promise.resolve()

  constructor(private readonly options: JobMeterOptions) {}

  start(): void {
    this.timer = setInterval(() => void this.flush(), this.options.flushMs ?? 5_000)
  }

  count(run: JobRun): void {
    this.options.observe(run)
    const counts = this.countsOf(run.queue)
    counts[run.outcome] += 1
    const [waited, took] = [durationClass(run.waitedMs), durationClass(run.tookMs)]
    counts.waited[waited] = (counts.waited[waited] ?? 0) + 1
    counts.took[took] = (counts.took[took] ?? 0) + 1
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.flush()
  }

  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.write())
    return this.flushing
  }

  private async write(): Promise<void> {
    const { kept } = this
    if (kept.size === 0) return
    this.kept = new Map()
    try {
      await this.options.store.add([...kept.values()])
    } catch (err) {
      this.options.log.warn({ err }, 'counts of jobs cannot be written')
      // An answer that was lost may have been a success; counts that are doubled would be worse than ones that lack.
    }
  }

  private countsOf(queue: string): JobRunCounts {
    const minute = new Date(Math.floor(this.options.clock.now() / MINUTE_MS) * MINUTE_MS)
    const key = `${queue} ${minute.getTime()}`
    const known = this.kept.get(key)
    if (known !== undefined) return known
    if (this.kept.size >= MOST_KEPT) this.kept.clear()
    const classes = () => Array<number>(DURATION_CLASSES).fill(0)
    const counts = { queue, minute, completed: 0, failed: 0, dead: 0, waited: classes(), took: classes() }
    this.kept.set(key, counts)
    return counts
  }
}
