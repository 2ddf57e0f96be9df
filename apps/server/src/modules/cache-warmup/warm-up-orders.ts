import type { EventBus, Logger, StoredEvent, Timers, Unsubscribe } from '../../kernel/index.js'

export interface WarmUpOrdersDeps {
  bus: Pick<EventBus, 'onEvent' | 'onGap'>
  /** Begins a warm-up, here or wherever it serves everybody. */
  warmUp: (signal: AbortSignal) => Promise<void>
  clock: Timers
  log: Logger
}

/** What drops much comes in crowds: all of it is answered by one warm-up. */
const SETTLE_MS = 1_000

const ID = /^[a-z]{2,3}_[0-9a-f]{8}-/

/** Patterns, and tags of whole kinds of things; a change of one thing drops what is soon asked for anyway. */
const dropsMuch = (event: StoredEvent): boolean =>
  event.type === 'cache.invalidated' &&
  (event.payload.patterns.length > 0 || event.payload.tags.some((tag) => !ID.test(tag)))

/** Has the cache warmed up when it is empty: at the start, after a gap in the events, after a mass invalidation. */
export class WarmUpOrders {
  private readonly subscriptions: Unsubscribe[] = []
  private readonly stopping = new AbortController()
  private isDue = false
  private running: Promise<void> = Promise.resolve()

  constructor(private readonly deps: WarmUpOrdersDeps) {}

  start(): void {
    const { bus } = this.deps
    this.subscriptions.push(
      bus.onGap(() => this.order()),
      bus.onEvent((event) => {
        if (dropsMuch(event)) this.order()
      }),
    )
    this.order()
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.subscriptions) unsubscribe()
    this.stopping.abort()
    await this.running
  }

  /** One at a time; whatever is ordered until it begins is one. */
  private order(): void {
    if (this.isDue) return
    this.isDue = true
    this.deps.clock.after(SETTLE_MS, () => {
      this.running = this.running.then(() => this.warmUp())
    })
  }

  private async warmUp(): Promise<void> {
    this.isDue = false
    const { signal } = this.stopping
    if (signal.aborted) return
    try {
      await this.deps.warmUp(signal)
    } catch (err) {
      if (!this.stopping.signal.aborted) this.deps.log.warn({ err }, 'the cache could not be warmed up')
    }
  }
}
