import type { JobQueueRepository } from '../kernel/job-control.port.js'
import { queueNameOf } from '../kernel/jobs.js'
import type { RareLog } from '../kernel/rare-log.js'

export interface PausedQueuesOptions {
  queues: Pick<JobQueueRepository, 'paused'>
  log: RareLog
  everyMs: number
  onChange: (isPaused: (type: string) => boolean) => void
}

/** Which queues people have stopped, as the rows said a moment ago. While they cannot be read, what was known holds. */
export class PausedQueues {
  private names: ReadonlySet<string> = new Set()
  private timer: NodeJS.Timeout | undefined
  private reading: Promise<void> = Promise.resolve()
  private stopped = false

  constructor(private readonly options: PausedQueuesOptions) {}

  has(type: string): boolean {
    return this.names.has(queueNameOf(type))
  }

  async start(): Promise<void> {
    await this.read()
    this.again()
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.reading
  }

  private again(): void {
    if (this.stopped) return
    this.timer = setTimeout(() => {
      this.reading = this.read().then(() => this.again())
    }, this.options.everyMs)
  }

  private async read(): Promise<void> {
    const { queues, log, onChange } = this.options
    try {
      const names = new Set((await queues.paused()).map(({ name }) => name))
      const changed = names.size !== this.names.size || [...names].some((name) => !this.names.has(name))
      this.names = names
      if (changed) onChange((type) => this.has(type))
    } catch (err) {
      log.warn({ err }, 'it cannot be read which queues are paused')
    }
  }
}
