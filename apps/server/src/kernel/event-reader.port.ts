import type { EventCursor } from './events.js'

/** How far those have come who read every event once, over restarts and beside each other. */
export interface EventReaderRepository {
  /** Null: there is no reader of this name. */
  cursorOf(name: string): Promise<EventCursor | null>
  /**
   * Locks the reader's row until the transaction ends. @returns false when another process holds it, or has moved it
   * from this cursor
   */
  lockAt(name: string, cursor: EventCursor): Promise<boolean>
  move(name: string, cursor: EventCursor, now: Date): Promise<void>
}
