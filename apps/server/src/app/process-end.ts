import type { Logger } from '../kernel/index.js'

const STOP_WITHIN_MS = 25_000
const SAME_WISH_MS = 500
/** What is thrown while the server stops may be thrown without end. */
const MOST_ERRORS = 20

/** The end of this process, orderly wherever it can be: once, within a time, with a code that tells how it came to it. */
export class ProcessEnd {
  private askedAtMs: number | null = null
  private isStopping = false
  private exitCode = 0
  private errors = 0

  constructor(private readonly app: { stop: () => Promise<void>; log: Logger }) {}

  /** Signals stop the server; what nobody caught stops it too, since nobody knows what it left half done. */
  watch(): void {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => this.onSignal(signal))
    process.on('uncaughtException', (error: unknown) => this.onError(error, 'exception'))
    process.on('unhandledRejection', (reason) => this.onError(reason, 'rejection'))
  }

  private onSignal(signal: NodeJS.Signals): void {
    if (this.askedAtMs !== null) {
      // Whoever asks again does not want to wait; npm and terminals send one wish twice within moments.
      if (Date.now() - this.askedAtMs > SAME_WISH_MS) process.exit(1)
      return
    }
    this.askedAtMs = Date.now()
    this.app.log.info({ signal }, 'asked to stop')
    this.stop()
  }

  private onError(thrown: unknown, origin: 'exception' | 'rejection'): void {
    this.exitCode = 1
    this.errors += 1
    if (this.errors > MOST_ERRORS) return
    try {
      const err = thrown instanceof Error ? thrown : new Error(`thrown without an error: ${String(thrown)}`)
      this.app.log.error({ err, origin, fatal: true }, 'nobody caught an error; the server stops')
      this.stop()
    } catch {
      // Not even this works any more.
      process.exit(1)
    }
  }

  private stop(): void {
    if (this.isStopping) return
    this.isStopping = true
    // Whatever hangs: who asked for a stop gets one.
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref()
    const beganMs = performance.now()
    const ended = () => {
      const tookSeconds = Math.round(performance.now() - beganMs) / 1_000
      this.app.log.info({ tookSeconds, exitCode: this.exitCode }, 'stopped')
      process.exit(this.exitCode)
    }
    this.app.stop().then(ended, ended)
  }
}
