import type { JobDetail, JobState, JobSummary } from '@gantry/schemas'

import { queueNameOf, type Clock, type JobDefinition, type QueuedEntry } from '../../kernel/index.js'
import type { JobRow } from './jobs.ports.js'

/** Takes out what looks like a secret, by the names of members and by the form of texts. */
export type Mask = (value: unknown) => unknown

const masked = (mask: Mask, text: string | null): string | null => (text === null ? null : String(mask(text)))

/** Rows and what lies in queues, as admins see both. */
export class JobViews {
  private readonly attempts: ReadonlyMap<string, number>

  constructor(
    definitions: readonly JobDefinition[],
    private readonly mask: Mask,
    private readonly clock: Clock,
  ) {
    this.attempts = new Map(definitions.map(({ type, attempts }) => [type, attempts]))
  }

  /** @param active the delivery of it that runs now */
  ofRow(row: JobRow, active: QueuedEntry | null): JobSummary {
    const { id, type, priority, createdAt } = row
    const state = active === null ? this.stateOf(row) : 'active'
    return {
      ...{ id, type, queue: queueNameOf(type), state, isWakeUp: false, priority, createdAt },
      attemptsMade: row.relayCount,
      attemptsAllowed: row.attempts ?? this.attempts.get(type) ?? null,
      dueAt: row.state === 'pending' ? row.availableAt : null,
      startedAt: active?.startedAt ?? null,
      finishedAt: row.finishedAt,
      error: masked(this.mask, row.lastError),
    }
  }

  detailOfRow(row: JobRow, active: QueuedEntry | null): JobDetail {
    const { version, deduplicationId } = row
    const [payload, stack] = [this.mask(row.payload), masked(this.mask, row.lastStack)]
    return { ...this.ofRow(row, active), version, payload, stack, deduplicationId }
  }

  ofWakeUp(entry: QueuedEntry): JobSummary {
    const { queue, queueId, type, state, priority, attempt, attempts, addedAt, dueAt, startedAt } = entry
    return {
      ...{ id: `${queue}:${queueId}`, type, queue, state, isWakeUp: true, priority, dueAt, startedAt },
      ...{ attemptsMade: attempt, attemptsAllowed: attempts, createdAt: addedAt, finishedAt: null, error: null },
    }
  }

  detailOfWakeUp(entry: QueuedEntry): JobDetail {
    const { version } = entry
    return { ...this.ofWakeUp(entry), version, payload: this.mask(entry.payload), stack: null, deduplicationId: null }
  }

  private stateOf({ state, availableAt }: JobRow): JobState {
    if (state === 'dead') return 'failed'
    if (state === 'done') return 'completed'
    return state === 'pending' && availableAt.getTime() > this.clock.now() ? 'delayed' : 'waiting'
  }
}
