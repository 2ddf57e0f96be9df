import type { EventBus, EventCursor, EventLog, SnapshotDue, StoredEvent } from '../kernel/events.js'

const BATCH = 200
const MAX_TAIL = 500

/**
 * The newest events that the bus delivered, in order and without a hole. A reader that stands on one of them goes on
 * from memory; any other reader has to ask the log.
 */
class BusTail {
  private events: StoredEvent[] = []
  /** Whether the first event is the one right behind the reader. */
  private joined = false
  private wake: (() => void) | null = null
  private stirred = false

  push(event: StoredEvent): void {
    if (this.events.length === MAX_TAIL) this.drop()
    this.events.push(event)
    this.stir()
  }

  drop(): void {
    this.events = []
    this.joined = false
    this.stir()
  }

  /** @returns whether the tail goes on right behind `cursor` */
  join(cursor: EventCursor): boolean {
    if (this.joined) return true
    const index = this.events.findIndex((event) => event.cursor === cursor)
    if (index === -1) return false
    this.events.splice(0, index + 1)
    this.joined = true
    return true
  }

  shift(): StoredEvent | undefined {
    return this.joined ? this.events.shift() : undefined
  }

  stir(): void {
    this.stirred = true
    this.wake?.()
  }

  /** Resolves when something was stirred since the last wait. */
  async stirring(): Promise<void> {
    if (!this.stirred) await new Promise<void>((resolve) => (this.wake = resolve))
    this.wake = null
    this.stirred = false
  }
}

/**
 * Every stored event after `cursor`, in order, without a gap or a double, until the signal aborts. With `cursor` null,
 * or one that the log no longer knows, a {@link SnapshotDue} comes first. A reader in step is served by the bus alone; a
 * slow one costs at most 500 events of memory and catches up from the log.
 * @throws GantryError `UNAVAILABLE` when the log cannot be read
 */
export async function* followEvents(
  bus: Pick<EventBus, 'onEvent' | 'onGap'>,
  log: EventLog,
  cursor: EventCursor | null,
  signal: AbortSignal,
): AsyncGenerator<StoredEvent | SnapshotDue, void, void> {
  const tail = new BusTail()
  // Heard before the log is read: what the log does not show yet must come by the bus.
  const unsubscribe = [bus.onEvent((event) => tail.push(event)), bus.onGap(() => tail.drop())]
  const onAbort = () => tail.stir()
  signal.addEventListener('abort', onAbort)
  try {
    yield* follow(tail, log, cursor, signal)
  } finally {
    signal.removeEventListener('abort', onAbort)
    for (const stop of unsubscribe) stop()
  }
}

async function* follow(
  tail: BusTail,
  log: EventLog,
  start: EventCursor | null,
  signal: AbortSignal,
): AsyncGenerator<StoredEvent | SnapshotDue, void, void> {
  const restart = async (resync: boolean): Promise<SnapshotDue> => ({
    type: 'snapshot',
    resync,
    cursor: await log.head(),
  })
  let position = start
  if (position === null) {
    const due = await restart(false)
    position = due.cursor
    yield due
  }
  // The reader's place as the bus names it: the last event's cursor, where `position` may be one that lies behind it.
  let last = position
  // A function, since it changes at every yield.
  const isOver = () => signal.aborted
  while (!isOver()) {
    if (tail.join(last)) {
      for (let event = tail.shift(); event !== undefined && !isOver(); event = tail.shift()) {
        position = last = event.cursor
        yield event
      }
      await tail.stirring()
      continue
    }
    const batch = await log.readAfter(position, BATCH)
    if (batch === 'resync') {
      const due = await restart(true)
      position = last = due.cursor
      yield due
      continue
    }
    for (const event of batch.events) {
      if (isOver()) return
      last = event.cursor
      yield event
    }
    position = batch.next
    if (batch.events.length < BATCH && !tail.join(last)) await tail.stirring()
  }
}
