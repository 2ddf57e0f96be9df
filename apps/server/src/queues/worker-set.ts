import { queueNameOf, type JobDefinition } from '../kernel/jobs.js'
import { atMost } from '../kernel/clock.js'
import type { Logger } from '../kernel/logger.port.js'
import type { GantryWorker, QueueBackend, TakenJob } from './backend.port.js'
import type { Invocations } from './invocation.js'

const DEFAULT_CONCURRENCY = 5

/** How long a worker may take to tell the queue what became of its last jobs. */
const SAY_MS = 1_500

/** The workers of a process: one per type, so that slow jobs of one type never stand before those of another. */
export class WorkerSet {
  private readonly workers = new Map<string, GantryWorker>()

  constructor(
    private readonly backend: QueueBackend,
    private readonly invocations: Invocations,
    private readonly finishMs: number,
    private readonly log: Logger,
  ) {}

  open(definitions: readonly JobDefinition[], process: (job: TakenJob) => Promise<void>): void {
    for (const { type, concurrency = DEFAULT_CONCURRENCY, rate } of definitions) {
      const worker = this.backend.openWorker(queueNameOf(type), process, { concurrency, rate, onFailed: this.givenUp })
      this.workers.set(type, worker)
    }
  }

  /** Begins to take jobs of every type that is not paused. */
  run(isPaused: (type: string) => boolean): void {
    for (const [type, worker] of this.workers) {
      if (isPaused(type)) continue
      worker.run().catch((err: unknown) => this.log.error({ type, err }, 'a worker ended'))
    }
  }

  /** Lets rest what people have paused, and go on what they have not. */
  obey(isPaused: (type: string) => boolean): void {
    for (const [type, worker] of this.workers) {
      if (isPaused(type))
        worker.pause(true).catch((err: unknown) => this.log.error({ type, err }, 'a worker did not rest'))
      else worker.resume()
    }
  }

  /**
   * What runs may finish; then its signal fires, and what does not return is left behind. BullMQ would wait for ever for a
   * Redis that is gone; nothing is lost with what it still wants to say, since the rows say it.
   */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.invocations.abortAll(), this.finishMs)
    const closed = Promise.all([...this.workers.values()].map((worker) => worker.close()))
    try {
      await atMost(this.finishMs + this.invocations.graceMs + SAY_MS, closed)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Of jobs that stalled again and again: those of the outbox are delivered anew, wake-ups are found by a sweep. */
  private readonly givenUp = (job: TakenJob, err: Error): void => {
    if (job.finishedOn !== undefined) this.log.warn({ type: job.name, queueId: job.id, err }, 'a queue gave a job up')
  }
}
