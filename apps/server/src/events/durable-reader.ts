import type { EventReaderRepository } from '../kernel/event-reader.port.js'
import type { EventBus, EventCursor, EventLog, StoredEvent } from '../kernel/events.js'
import type { Stoppable } from '../kernel/lifecycle.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Primary } from '../kernel/reads.port.js'
import { SweepLoop } from '../kernel/sweep-loop.js'
import type { TransactionContext, UnitOfWork } from '../kernel/unit-of-work.port.js'

interface Repositories {
  eventReaders: EventReaderRepository
}

export interface DurableReaderOptions<R extends Repositories> {
  /** The row in which its cursor is kept. */
  name: string
  /**
   * What becomes of the events, in the transaction that moves the cursor: it happens once for each, or not yet. It is
   * called again with the same events when it fails, so it must fail only for reasons that pass.
   */
  handle: (events: readonly StoredEvent[], tx: R & TransactionContext) => Promise<void>
  unitOfWork: UnitOfWork<R>
  reads: Primary<Pick<R, 'eventReaders'>>
  eventLog: EventLog
  bus: Pick<EventBus, 'onEvent'>
  log: Logger
  /** Events in one transaction at most. @default 100 */
  batch?: number
  /** How often it looks without a hint. @default 5000 */
  sweepMs?: number
}

/**
 * Reads the event table along and hands over each event exactly once, however many processes read under this name and
 * however often they are killed: the cursor moves in the transaction of what was done. It is woken by the bus, and a
 * sweep repairs what the bus does not tell.
 */
export class DurableReader<R extends Repositories> implements Stoppable {
  private readonly loop: SweepLoop
  private stopListening: () => void = () => undefined

  constructor(private readonly options: DurableReaderOptions<R>) {
    const { name, log, sweepMs = 5_000 } = options
    this.loop = new SweepLoop({
      look: async () => {
        await this.readAll()
        return sweepMs
      },
      everyMs: sweepMs,
      onTrouble: (err) => log.warn({ err, reader: name }, 'events are not handed on; it is tried again'),
    })
  }

  start(): void {
    this.stopListening = this.options.bus.onEvent(() => this.poke())
    this.poke()
  }

  /** There may be something to read. */
  poke(): void {
    this.loop.poke()
  }

  stop(): Promise<void> {
    this.stopListening()
    return this.loop.stop()
  }

  private async readAll(): Promise<void> {
    while (!this.loop.isStopped && (await this.readOn()) === 'more') continue
  }

  /** @returns whether there may be more at once; what another process has taken is left to it */
  private async readOn(): Promise<'more' | 'done'> {
    const { name, reads, eventLog, batch = 100 } = this.options
    const cursor = await reads.eventReaders.cursorOf(name)
    if (cursor === null) throw new Error(`there is no reader of events with the name ${name}`)
    // Outside the transaction: what is readable never changes, and readers hold nobody up while they read.
    const read = await eventLog.readAfter(cursor, batch)
    if (read === 'resync') return this.beginAnew(cursor)
    if (read.events.length === 0) return 'done'
    const moved = await this.move(cursor, read.next, (tx) => this.options.handle(read.events, tx))
    return moved && read.events.length === batch ? 'more' : 'done'
  }

  private move(
    from: EventCursor,
    to: EventCursor,
    work: (tx: R & TransactionContext) => Promise<void>,
  ): Promise<boolean> {
    const { name, unitOfWork } = this.options
    return unitOfWork.run(async (tx) => {
      if (!(await tx.eventReaders.lockAt(name, from))) return false
      await work(tx)
      await tx.eventReaders.move(name, to, tx.now)
      return true
    })
  }

  /** Events were removed before they were read: no worker ran for longer than they are kept. */
  private async beginAnew(from: EventCursor): Promise<'more' | 'done'> {
    const { name, eventLog, log } = this.options
    const to = await eventLog.head()
    if (!(await this.move(from, to, () => Promise.resolve()))) return 'done'
    log.error({ reader: name, from, to }, 'events were removed before this reader had seen them: they are lost to it')
    return 'more'
  }
}
