import type { Logger } from './logger.port.js'

export interface Stoppable {
  stop(): Promise<void>
}

interface Stage {
  name: string
  capMs: number
  stop: () => Promise<void>
}

/**
 * What was started, stopped again in the opposite order. A stage that fails or outlasts its cap is logged and passed
 * by, so that the stages after it still get their turn.
 */
export class Lifecycle {
  private readonly stages: Stage[] = []
  private stopping: Promise<void> | null = null

  constructor(private readonly log: Logger) {}

  /** Remembers how to stop what has just been started; at most `capMs` are spent on it. */
  onStop(name: string, stop: () => Promise<void>, capMs = 5_000): void {
    this.stages.push({ name, stop, capMs })
  }

  get isStopping(): boolean {
    return this.stopping !== null
  }

  /** Stops everything; concurrent calls share one run. */
  stop(): Promise<void> {
    this.stopping ??= this.stopAll()
    return this.stopping
  }

  private async stopAll(): Promise<void> {
    for (let stage = this.stages.pop(); stage !== undefined; stage = this.stages.pop()) await this.stopOne(stage)
  }

  private async stopOne({ name, stop, capMs }: Stage): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const cap = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), capMs)
    })
    try {
      if ((await Promise.race([stop(), cap])) === 'late')
        this.log.warn({ stage: name, capMs }, 'stage did not stop in time')
    } catch (error) {
      this.log.error({ stage: name, err: error }, 'stage failed to stop')
    } finally {
      clearTimeout(timer)
    }
  }
}
