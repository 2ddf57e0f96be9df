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

/** Runs handlers, each under its time-out; a handler that ignores its signal is left behind after `graceMs`. */
export class Invocations {
  private readonly running = new Set<AbortController>()
  private stopping = false

  constructor(readonly graceMs: number) {}

  /** @throws JobTimedOut, JobsStopping, or what the handler threw */
  async invoke(handler: JobHandler, delivery: Omit<JobDelivery<JobDefinition>, 'signal'>): Promise<void> {
    const { timeoutMs } = handler.definition
    const controller = new AbortController()
    const { signal } = controller
    const timer = setTimeout(() => controller.abort(new JobTimedOut(timeoutMs)), timeoutMs)
    this.running.add(controller)
    if (this.stopping) controller.abort(new JobsStopping())
    try {
      signal.throwIfAborted()
      await this.raced(handler.handle({ ...delivery, signal }), signal)
    } catch (error) {
      // After an abort the reason says more than whatever the handler broke off with.
      throw signal.aborted ? signal.reason : error
    } finally {
      clearTimeout(timer)
      this.running.delete(controller)
    }
  }

  /** Tells every handler, running or to come, to stop. */
  abortAll(): void {
    this.stopping = true
    for (const controller of this.running) controller.abort(new JobsStopping())
  }

  private raced(handled: Promise<void>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const giveUp = () => {
        timer = setTimeout(() => reject(signal.reason as Error), this.graceMs)
      }
      signal.addEventListener('abort', giveUp, { once: true })
      handled.then(resolve, reject).finally(() => {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
      })
    })
  }
}
