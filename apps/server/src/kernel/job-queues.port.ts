/** What lies in one queue. */
export interface QueuedCounts {
  waiting: number
  active: number
  delayed: number
  /** Since when the one that comes next has been due. */
  oldestDueAt: Date | null
}

/** One job as its queue has it. */
export interface QueuedEntry {
  queue: string
  /** Its id in the queue. */
  queueId: string
  /** The order behind it; null for a wake-up. */
  outboxId: string | null
  type: string
  version: number
  payload: unknown
  state: 'waiting' | 'active' | 'delayed'
  priority: number | null
  attempt: number
  attempts: number
  addedAt: Date
  dueAt: Date | null
  startedAt: Date | null
}

/** One delivery of an order, or what bears this id in the queue. */
export type QueuedKey = { outboxId: string; delivery: number } | { queueId: string }

/** The queues behind the rows. All methods throw GantryError `UNAVAILABLE` when they do not answer within a second. */
export interface JobQueues {
  counts(): Promise<ReadonlyMap<string, QueuedCounts>>
  /** At most `limit`, those that come first. */
  entries(queue: string, state: QueuedEntry['state'], limit: number): Promise<QueuedEntry[]>
  find(queue: string, key: QueuedKey): Promise<QueuedEntry | null>
  remove(queue: string, key: QueuedKey): Promise<'removed' | 'absent' | 'active'>
  /** Removes jobs that ended longer ago and were left there by others. @returns how many */
  clean(queue: string, olderThanMs: number): Promise<number>
}
