import type { JobDefinition, JobDelivery, JobHandler } from '../kernel/jobs.js'

/** Why a running handler was told to stop. */
export class JobTimedOut extends Error {
  override readonly name = 'JobTimedOut'
  constructor(timeoutMs: number) {
    super(`not finished within ${timeoutMs} ms`)
  }
}

export class JobsStopping extends Error {
  override readonly name = 'JobsStopping'
  constructor() {
    super('the process stops')
  }
}

type Delivery = Omit<JobDelivery<JobDefinition>, 'signal'>

/** One handler at work. */
class Invocation {
  private readonly controller = new AbortController()
  private graceTimer: NodeJS.Timeout | undefined
  private leaveBehind: (reason: Error) => void = () => undefined

  constructor(private readonly graceMs: number) {}

  async run(handler: JobHandler, delivery: Delivery): Promise<void> {
    const { timeoutMs } = handler.definition
    const { signal } = this.controller
    const timer = setTimeout(() => this.abort(new JobTimedOut(timeoutMs)), timeoutMs)
    try {
      signal.throwIfAborted()
      await new Promise<void>((resolve, reject) => {
        this.leaveBehind = reject
        handler.handle({ ...delivery, signal }).then(resolve, reject)
      })
    } catch (error) {
      // After an abort the reason says more than whatever the handler broke off with.
      throw signal.aborted ? signal.reason : error
    } finally {
      clearTimeout(timer)
      clearTimeout(this.graceTimer)
    }
  }

  /** The first reason counts. */
  abort(reason: Error): void {
    if (this.controller.signal.aborted) return
    this.controller.abort(reason)
    this.graceTimer = setTimeout(() => this.leaveBehind(reason), this.graceMs)
  }
}

/** Runs handlers, each under its time-out; a handler that ignores its signal is left behind after `graceMs`. */
export class Invocations {
  private readonly running = new Set<Invocation>()
  private stopping = false

  constructor(readonly graceMs: number) {}

  /** @throws JobTimedOut, JobsStopping, or what the handler threw */
  async invoke(handler: JobHandler, delivery: Delivery): Promise<void> {
    const invocation = new Invocation(this.graceMs)
    this.running.add(invocation)
    if (this.stopping) invocation.abort(new JobsStopping())
    try {
      await invocation.run(handler, delivery)
    } finally {
      this.running.delete(invocation)
    }
  }

  /** Tells every handler, running or to come, to stop. */
  abortAll(): void {
    this.stopping = true
    for (const invocation of this.running) invocation.abort(new JobsStopping())
  }
}
