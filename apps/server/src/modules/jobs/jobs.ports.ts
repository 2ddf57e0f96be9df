import type { JobControlRepositories, JobDefinition, RecurringJob } from '../../kernel/index.js'

/** An order as its row has it. Jobs belong to the installation, so nothing here asks for an actor's scope. */
export interface JobRow {
  id: string
  type: string
  version: number
  payload: unknown
  state: 'pending' | 'relayed' | 'done' | 'dead'
  relayCount: number
  availableAt: Date
  relayedAt: Date | null
  finishedAt: Date | null
  createdAt: Date
  lastError: string | null
  lastStack: string | null
  priority: number | null
  attempts: number | null
  deduplicationId: string | null
}

/** How many rows of a type there are, by what becomes of them, apart from those that lie in the queue. */
export interface JobRowCounts {
  type: string
  due: number
  delayed: number
  dead: number
  oldestDueAt: Date | null
}

/** The runs of one queue in one minute, as many minutes ago. */
export interface JobRunMinute {
  queue: string
  minutesAgo: number
  runs: number
  /** Empty where nobody asks for them. */
  waited: readonly number[]
  took: readonly number[]
}

export interface RunWindows {
  /** Minutes that are told one by one. */
  minutes: number
  /** Of those, the last ones whose durations are told. */
  measured: number
  /** Hours over which completed jobs are summed. */
  completedHours: number
}

export interface JobRowQuery {
  state: 'waiting' | 'delayed' | 'failed' | 'completed'
  /** Null: every type, known here or not; for failed ones alone. */
  types: readonly string[] | null
  /** Leaves these out. */
  except: readonly string[]
  limit: number
  cursor: string | null
}

/** The rows of the outbox as admins look at and change them. */
export interface JobRowRepository {
  /** Of these types, and of every other that has dead rows. */
  counts(types: readonly string[]): Promise<JobRowCounts[]>
  /** How many were handed to the queue and have not come back. */
  relayed(types: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** For how many seconds the row that waits longest to be handed to its queue has been due; null when none waits. */
  oldestDueSeconds(): Promise<number | null>
  runs(windows: RunWindows): Promise<{ minutes: JobRunMinute[]; completed: { queue: string; count: number }[] }>
  /** Those that wait by when they are due, those that are finished by when they ended, newest first. */
  list(query: JobRowQuery): Promise<{ items: JobRow[]; nextCursor: string | null }>
  get(id: string): Promise<JobRow | null>
  byIds(ids: readonly string[]): Promise<JobRow[]>
  /** Makes dead rows pending as if they had just been ordered. @returns how many there were */
  retry(ids: readonly string[]): Promise<number>
  /** Removes the row if it is in this state. @returns whether it was */
  remove(id: string, state: JobRow['state']): Promise<boolean>
  /** Retries or removes the dead ones of a type that died before a moment, the longest dead first. @returns how many */
  retryDead(type: string, before: Date, limit: number): Promise<number>
  removeDead(type: string, before: Date, limit: number): Promise<number>
  removeDone(type: string, before: Date, limit: number): Promise<number>
}

export interface JobAdminRepositories extends JobControlRepositories {
  jobRows: JobRowRepository
}

/** What the code knows of jobs. */
export interface JobKinds {
  definitions: readonly JobDefinition[]
  recurring: readonly RecurringJob[]
  timesText(job: RecurringJob): string
  nextSlot(job: RecurringJob, after: Date): Date
}
