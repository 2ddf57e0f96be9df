import type {
  AlarmCode,
  AttemptState,
  BedState,
  CacheStrategy,
  ErrorCode,
  LogLevel,
  PrinterCommandKind,
  PrintJobState,
  WebhookDisabledReason,
} from '@gantry/schemas'

/** Every stored event, by name. Payloads carry ids and the fact itself; readers load the rest under their own scope. */
export interface EventPayloads {
  'session.started': { sessionId: string; userId: string }
  'second_factor.enabled': { userId: string }
  'second_factor.disabled': { userId: string }
  'second_factor.recovery_codes_renewed': { userId: string }
  'second_factor.recovery_code_used': { userId: string; left: number }
  'identity.linked': { identityId: string; userId: string }
  'identity.unlinked': { identityId: string; userId: string }
  'session.ended': { sessionId: string; userId: string }
  'user.created': { userId: string }
  /** Of what everybody may who has the role. */
  'role.changed': { roleId: string }
  'api_key.created': { apiKeyId: string; userId: string }
  'api_key.revoked': { apiKeyId: string; userId: string }
  'user.updated': { userId: string }
  'user.disabled': { userId: string }
  'user.deleted': { userId: string }
  'printer.created': { printerId: string }
  'printer.updated': { printerId: string }
  'printer.removed': { printerId: string }
  'printer.state_changed': { printerId: string; from: string; to: string }
  'printer.bed_changed': { printerId: string; bed: BedState }
  'printer.held': { printerId: string; code: string }
  'printer.released': { printerId: string; code: string }
  'printer_command.finished': { commandId: string; printerId: string; kind: PrinterCommandKind; state: string }
  'file.created': { fileId: string; fileVersionId: string }
  'file.removed': { fileId: string }
  'project.created': { projectId: string }
  'project.updated': { projectId: string }
  'project.deleted': { projectId: string }
  'print_job.created': { jobId: string }
  'print_job.changed': { jobId: string; state: PrintJobState }
  'attempt.changed': {
    attemptId: string
    jobId: string
    printerId: string
    from: AttemptState | null
    to: AttemptState
  }
  'attempt.reassign_requested': { attemptId: string; jobId: string; printerId: string; toPrinterId: string | null }
  'alarm.raised': { alarmId: string; code: AlarmCode }
  'alarm.acknowledged': { alarmId: string; code: AlarmCode }
  'alarm.cleared': { alarmId: string; code: AlarmCode }
  'export.ready': { exportId: string; userId: string }
  'export.failed': { exportId: string; userId: string; code: ErrorCode }
  'cache.invalidated': { tags: readonly string[]; keys: readonly string[]; patterns: readonly string[] }
  'cache.strategy_changed': { strategy: CacheStrategy }
  /** Holds until then, in ISO 8601. */
  'log_level.changed': { level: LogLevel; until: string }
  'webhook.created': { webhookId: string }
  'webhook.updated': { webhookId: string }
  'webhook.removed': { webhookId: string }
  'webhook.disabled': { webhookId: string; reason: WebhookDisabledReason }
  'job.changed': { outboxId: string; type: string; change: 'retried' | 'discarded' }
  'job_queue.changed': { queue: string; change: JobQueueChange; count: number | null }
  'job_schedule.changed': { type: string; change: 'paused' | 'resumed' | 'ordered' }
}

/** What an admin did to a queue, or to many jobs of one at once. */
export type JobQueueChange = 'paused' | 'resumed' | 'retried' | 'discarded' | 'cleaned'

export type EventType = keyof EventPayloads

export interface EventScope {
  printerGroupId: string | null
  projectId: string | null
}

/** An event to be stored in the transaction that makes it true. */
export type NewEvent = {
  [T in EventType]: { type: T; subjectType: string; subjectId: string; payload: EventPayloads[T] } & Partial<EventScope>
}[EventType]

/**
 * Where a reader stands in the event table. Opaque outside `db/`: cursors compare only by what
 * {@link EventLog.readAfter} returns.
 */
export type EventCursor = string

export type StoredEvent = {
  [T in EventType]: {
    cursor: EventCursor
    type: T
    subjectType: string
    subjectId: string
    payload: EventPayloads[T]
    /** Who caused it; `system` for the server itself. */
    actorId: string | null
    createdAt: Date
  } & EventScope
}[EventType]

export interface EventBatch {
  events: StoredEvent[]
  /** Where the next read begins; moves on even when `events` is empty. */
  next: EventCursor
  /** True when rows exist that are not readable yet, since an older transaction still runs. */
  more: boolean
}

/** The append-only table of events. */
export interface EventLog {
  /**
   * Events after `cursor` in reading order, at most `limit`. A transaction that commits late is never skipped.
   * @returns `resync` when the cursor is older than what is kept, or not a cursor at all
   */
  readAfter(cursor: EventCursor, limit: number): Promise<EventBatch | 'resync'>
  /** The cursor behind everything that is readable now. */
  head(): Promise<EventCursor>
}

export type Unsubscribe = () => void

/** What flows through a process and between processes. Stored events arrive in order, once per subscriber. */
export interface EventBus {
  /** Each stored event from now on. A handler's failure is logged and never stops the others. */
  onEvent(handler: (event: StoredEvent) => void): Unsubscribe
  /**
   * The events that this process itself has just stored, before the transaction's caller goes on: a caller who changes
   * something and asks at once must not get an older answer. They come by {@link onEvent} too.
   */
  onRecorded(handler: (events: readonly NewEvent[]) => void): Unsubscribe
  /** Called when events were missed for good (the process slept past their keeping): forget what came from them. */
  onGap(handler: () => void): Unsubscribe
  /**
   * Whether this process hears at once of what others do; called with how it is now, and at each change. It is deaf as
   * soon as its connection to the database breaks, until there is another.
   */
  onHearing(handler: (hears: boolean) => void): Unsubscribe
  /** Telemetry: the latest value per key, coalesced; lost without harm. */
  publishTelemetry(topic: TelemetryTopic, key: string, value: unknown): void
  onTelemetry(topic: TelemetryTopic, handler: (key: string, value: unknown) => void): Unsubscribe
  /** Wakes whoever waits for this, on every process; a hint that a sweep would repair. */
  wake(topic: WakeTopic): void
  onWake(topic: WakeTopic, handler: () => void): Unsubscribe
}

/** How far behind the stored events a process may be. */
export interface EventFreshness {
  /** Everything that had been stored at this moment of the monotonic clock has been delivered here. */
  currentAsOfMs(): number
}

export type TelemetryTopic = 'printer.status'
export type WakeTopic = 'dispatch' | 'outbox' | 'printer.command' | 'printer.lease' | 'printer.status.request'

/** Load the present state now: what follows are the events after `cursor`. */
export interface SnapshotDue {
  type: 'snapshot'
  /** True when events between the reader's cursor and this one are lost to it. */
  resync: boolean
  cursor: EventCursor
}

/** Every stored event after `cursor`, in order, without a gap or a double, until the signal aborts. */
export type FollowEvents = (cursor: EventCursor | null, signal: AbortSignal) => AsyncIterable<StoredEvent | SnapshotDue>
