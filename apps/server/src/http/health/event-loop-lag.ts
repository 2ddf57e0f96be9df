import { monitorEventLoopDelay } from 'node:perf_hooks'

const LAG_WINDOW_MS = 10_000

/** How late the event loop was at most within the last seconds. */
export class EventLoopLag {
  private readonly histogram = monitorEventLoopDelay({ resolution: 20 })
  private readonly timer: NodeJS.Timeout

  constructor() {
    this.histogram.enable()
    this.timer = setInterval(() => this.histogram.reset(), LAG_WINDOW_MS).unref()
  }

  get seconds(): number {
    return this.histogram.max / 1e9
  }

  stop(): void {
    clearInterval(this.timer)
    this.histogram.disable()
  }
}
