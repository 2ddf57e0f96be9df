import type { EventBatch, EventCursor, EventLog, Logger, UnitOfWork } from '../../kernel/index.js'
import type { CountedEvent, UserActivityRepository } from './statistics.ports.js'

export interface UserAnalyticsDeps {
  unitOfWork: UnitOfWork<{ userActivity: UserActivityRepository }>
  events: Pick<EventLog, 'readAfter'> & {
    /** The cursor before everything that is kept. */
    oldest(): Promise<EventCursor>
  }
  /** Whose midnights part the days. */
  timeZone: string
  log: Logger
}

/** Of a user; what the server itself and API keys did is nobody's activity. */
const USER = /^usr_/
const EVENTS_AT_ONCE = 500
/** In one run; the next one goes on. */
const MOST_BATCHES = 200

/**
 * Counts what users did, by day. Each batch of events is added in the transaction that moves the cursor behind it, if the
 * cursor is still where the batch was read from: so every event counts once, whoever else reads.
 */
export class UserAnalytics {
  constructor(private readonly deps: UserAnalyticsDeps) {}

  async countNew(signal: AbortSignal): Promise<void> {
    for (let batches = 0; batches < MOST_BATCHES; batches += 1) {
      signal.throwIfAborted()
      const cursor = await this.deps.unitOfWork.run(({ userActivity }) => userActivity.cursor())
      const batch = await this.read(cursor)
      const isMine = await this.deps.unitOfWork.run(async ({ userActivity }) => {
        if (!(await userActivity.moveCursor(cursor, batch.next))) return false
        await userActivity.add(batch.events.flatMap(countedOf), this.deps.timeZone)
        return true
      })
      if (!isMine || batch.events.length < EVENTS_AT_ONCE) return
    }
  }

  /** One that was told by a job. A job that comes again counts once. @throws what the database throws */
  async countOne(jobId: string, { userId, event }: Pick<CountedEvent, 'userId' | 'event'>): Promise<void> {
    const { unitOfWork, timeZone, log } = this.deps
    const counted = await unitOfWork.run(async (tx) =>
      (await tx.finishJob(jobId)) ? tx.userActivity.add([{ userId, event, at: tx.now }], timeZone) : null,
    )
    if (counted === 0) log.info({ jobId }, 'an event of nobody, or of somebody who opted out, was not counted')
  }

  private async read(cursor: EventCursor | null): Promise<EventBatch> {
    const { events, log } = this.deps
    const batch = cursor === null ? 'resync' : await events.readAfter(cursor, EVENTS_AT_ONCE)
    if (batch !== 'resync') return batch
    if (cursor !== null) log.warn({ cursor }, 'events went before they were counted: nobody counted for a day')
    const again = await events.readAfter(await events.oldest(), EVENTS_AT_ONCE)
    if (again === 'resync') throw new Error('events went while they were looked for')
    return again
  }
}

const countedOf = ({ actorId, type, createdAt }: EventBatch['events'][number]): CountedEvent[] =>
  actorId !== null && USER.test(actorId) ? [{ userId: actorId, event: type, at: createdAt }] : []
