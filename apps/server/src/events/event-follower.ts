import type { EventCursor, EventLog, StoredEvent } from '../kernel/events.js'
import type { Logger } from '../kernel/logger.port.js'
import { SweepLoop } from '../kernel/sweep-loop.js'

export interface EventFollowerOptions {
  eventLog: EventLog
  log: Logger
  /** Reads happen at least this often, whether or not anybody gives a hint. */
  sweepMs: number
  onEvent: (event: StoredEvent) => void
  onGap: () => void
}

const BATCH = 200

/** The first pause before looking again for rows that an older transaction still hides; it doubles up to the sweep. */
const FIRST_HIDDEN_PAUSE_MS = 10

/** Reads the event log along, one batch at a time, and hands over each event once and in order. */
export class EventFollower {
  private cursor: EventCursor | null = null
  private readonly loop: SweepLoop
  private hiddenPauseMs = FIRST_HIDDEN_PAUSE_MS
  private asOfMs = Number.NEGATIVE_INFINITY

  constructor(private readonly options: EventFollowerOptions) {
    const { log, sweepMs } = options
    this.loop = new SweepLoop({
      look: () => this.readOn(),
      everyMs: sweepMs,
      onTrouble: (err) => log.warn({ err }, 'events cannot be read'),
    })
  }

  /** When the last read began that found nothing left to read; of the monotonic clock. */
  get currentAsOfMs(): number {
    return this.asOfMs
  }

  /** Begins behind everything that is readable now. */
  async start(): Promise<void> {
    this.asOfMs = performance.now()
    this.cursor = await this.options.eventLog.head()
    this.loop.wait()
  }

  /** There may be something to read. */
  poke(): void {
    this.loop.poke()
  }

  stop(): Promise<void> {
    return this.loop.stop()
  }

  /** Reads to the end of what is readable. @returns after how many milliseconds to look again */
  private async readOn(): Promise<number> {
    const { eventLog, onEvent, onGap, log, sweepMs } = this.options
    while (this.cursor !== null && !this.loop.isStopped) {
      const beganMs = performance.now()
      const batch = await eventLog.readAfter(this.cursor, BATCH)
      if (batch === 'resync') {
        log.error({ cursor: this.cursor }, 'events were removed before this process had read them')
        this.cursor = await eventLog.head()
        onGap()
        continue
      }
      this.cursor = batch.next
      batch.events.forEach(onEvent)
      if (batch.events.length === BATCH) continue
      if (batch.events.length > 0 || !batch.more) this.hiddenPauseMs = FIRST_HIDDEN_PAUSE_MS
      if (!batch.more) {
        this.asOfMs = beganMs
        break
      }
      const pauseMs = Math.min(this.hiddenPauseMs, sweepMs)
      this.hiddenPauseMs = pauseMs * 2
      return pauseMs
    }
    return sweepMs
  }
}
