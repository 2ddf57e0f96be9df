import type { NewEvent } from './events.js'

/** What a transaction leaves behind for others to notice. */
export interface Committed {
  /** It stored at least one event. */
  events: boolean
  /** It ordered at least one job. */
  jobs: boolean
  /** Who caused the events: from now on they expect to see what they did. */
  actorIds: readonly string[]
}

/**
 * How a commit becomes known: the notice travels inside the transaction to every other process, and the hook tells this
 * process at once, without the way round the database.
 */
export interface CommitHook {
  readonly channel: string
  /** The payload for `pg_notify`, sent exactly if the transaction commits. */
  notice(committed: Committed): string
  /** Called after the commit, before whoever made it hears of it. Never throws. */
  committed(committed: Committed, recorded: readonly NewEvent[]): void
}
