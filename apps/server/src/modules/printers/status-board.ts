import type { Clock, EventBus, Unsubscribe } from '../../kernel/index.js'
import type { PrinterLive } from './printers.ports.js'

/** What every process knows of the printers just now: the latest word of whichever instance drives each of them. */
export class StatusBoard {
  private readonly lives = new Map<string, PrinterLive>()
  private readonly listeners = new Set<(live: PrinterLive) => void>()
  private unsubscribe: Unsubscribe | null = null

  constructor(
    private readonly bus: EventBus,
    readonly clock: Clock,
  ) {}

  start(): void {
    this.unsubscribe = this.bus.onTelemetry('printer.status', (_printerId, value) => this.hear(value as PrinterLive))
    this.bus.wake('printer.status.request')
  }

  stop(): Promise<void> {
    this.unsubscribe?.()
    return Promise.resolve()
  }

  get(printerId: string): PrinterLive | null {
    return this.lives.get(printerId) ?? null
  }

  /** Of those that were heard of. */
  printerIds(): string[] {
    return [...this.lives.keys()]
  }

  onChange(listener: (live: PrinterLive) => void): Unsubscribe {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  forget(printerId: string): void {
    this.lives.delete(printerId)
  }

  /**
   * Words of one run are counted; what overtook them is dropped. Another run's word replaces them. Times are put on this
   * process's clock, which need not be the speaker's.
   */
  private hear(said: PrinterLive): void {
    const known = this.lives.get(said.printerId)
    if (known?.boot === said.boot && known.seq >= said.seq) return
    const atMs = this.clock.now()
    const here = (ms: number) => ms + atMs - said.atMs
    const pending = said.pending && { ...said.pending, untilMs: here(said.pending.untilMs) }
    const restsUntilMs = said.restsUntilMs && here(said.restsUntilMs)
    const live = { ...said, atMs, pending, restsUntilMs }
    this.lives.set(live.printerId, live)
    for (const listener of this.listeners) listener(live)
  }
}
