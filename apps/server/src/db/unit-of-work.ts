import { callerNow, type Caller } from '../kernel/caller.js'
import type { CommitHook, Committed } from '../kernel/commit-hook.port.js'
import type { NewEvent } from '../kernel/events.js'
import type { Random } from '../kernel/random.js'
import type { IdempotentCall, Snapshots, TransactionContext, UnitOfWork } from '../kernel/unit-of-work.port.js'
import { isConnectionLost, mapDatabaseError } from './errors.js'
import type { Prisma, PrismaClient } from './generated/client.js'
import { answerOnce, recallAnswer } from './idempotency.js'
import { finishInTransaction } from './outbox.js'
import { repeated } from './repeated.js'
import { TransactionBuffer } from './transaction-buffer.js'

export interface UnitOfWorkOptions<R> {
  prisma: PrismaClient
  /** Binds the repositories to one transaction. */
  repositoriesFor: (tx: Prisma.TransactionClient, now: Date) => R
  hook: CommitHook
  /** Milliseconds for a whole transaction. @default 10 000 */
  timeoutMs?: number
  random?: Random
}

type Work<R, T> = (repositories: R & TransactionContext) => Promise<T>

type Body<R, T> = (tx: Prisma.TransactionClient, offered: R & TransactionContext) => Promise<T>

/** How far a transaction came. */
interface Ending {
  committing: boolean
  /** What it leaves behind if it commits. */
  left: { committed: Committed; recorded: readonly NewEvent[] } | null
}

const TRIES = 6
const FIRST_PAUSE_MS = 10

const databaseNow = async (tx: Prisma.TransactionClient): Promise<Date> => {
  // To the millisecond, as columns keep it and as a Date can hold it.
  const [row] = await tx.$queryRaw<{ now: Date }[]>`select now()::timestamptz(3) as now`
  return told(row)
}

/** The same, and tells the database for whom it changes what it is asked to: its triggers write the audit log. */
const beginFor = async (tx: Prisma.TransactionClient, caller: Caller | null): Promise<Date> => {
  const call = caller === null ? 'system' : JSON.stringify(caller)
  const [row] = await tx.$queryRaw<{ now: Date }[]>`
    select now()::timestamptz(3) as now, set_config('gantry.call', ${call}, true) is null as "nobody"`
  return told(row)
}

const told = (row: { now: Date } | undefined): Date => {
  if (row === undefined) throw new Error('the database did not tell the time')
  return row.now
}

/** The unit of work on Prisma's interactive transactions, at PostgreSQL's default isolation (read committed). */
export class PrismaUnitOfWork<R extends object> implements UnitOfWork<R>, Snapshots<R> {
  private readonly random: Random
  private readonly timeoutMs: number

  constructor(private readonly options: UnitOfWorkOptions<R>) {
    this.random = options.random ?? Math.random
    this.timeoutMs = options.timeoutMs ?? 10_000
  }

  run<T>(work: Work<R, T>): Promise<T> {
    return this.transact((_tx, offered) => work(offered), false)
  }

  once<T>(call: IdempotentCall, work: Work<R, T>): Promise<T> {
    // Done a second time after a commit of unknown fate, it finds its key or it does not: both are right.
    return this.transact((tx, offered) => answerOnce(tx, call, () => work(offered)), true)
  }

  async recall<T>(call: IdempotentCall): Promise<T | null> {
    return recallAnswer<T>(this.options.prisma, call)
  }

  snapshot<T>(work: (repositories: R & { now: Date }) => Promise<T>): Promise<T> {
    const { prisma, repositoriesFor } = this.options
    const read = async (tx: Prisma.TransactionClient) => {
      // The first statement: what follows sees the database as this one did.
      await tx.$executeRaw`set transaction read only`
      const now = await databaseNow(tx)
      return work({ ...repositoriesFor(tx, now), now })
    }
    const limits = { maxWait: this.timeoutMs, timeout: this.timeoutMs }
    return this.repeating(
      () => prisma.$transaction(read, { ...limits, isolationLevel: 'RepeatableRead' }),
      isConnectionLost,
    )
  }

  /** @param isIdempotent whether it may be done again although it may have been committed already */
  private transact<T>(body: Body<R, T>, isIdempotent: boolean): Promise<T> {
    let ending: Ending = { committing: false, left: null }
    const attempt = () => this.attempt(body, (ending = { committing: false, left: null }))
    return this.repeating(attempt, (error) => {
      if (!isConnectionLost(error)) return false
      // What was committed without a word is looked for: a hint too many does no harm.
      this.tell(ending)
      return !ending.committing || isIdempotent
    })
  }

  /** @param mayRepeat asked of errors that do not say by themselves that nothing was done */
  private async repeating<T>(attempt: () => Promise<T>, mayRepeat: (error: unknown) => boolean): Promise<T> {
    const { random } = this
    try {
      return await repeated(attempt, { tries: TRIES, firstPauseMs: FIRST_PAUSE_MS, random, mayRepeat })
    } catch (error) {
      throw mapDatabaseError(error)
    }
  }

  private async attempt<T>(body: Body<R, T>, ending: Ending): Promise<T> {
    const { prisma, repositoriesFor, hook } = this.options
    const limits = { maxWait: this.timeoutMs, timeout: this.timeoutMs }
    const result = await prisma.$transaction(async (tx) => {
      const now = await beginFor(tx, callerNow())
      const buffer = new TransactionBuffer()
      const context: TransactionContext = {
        now,
        record: (event, actorId) => buffer.record(event, actorId),
        jobs: buffer,
        finishJob: (jobId) => finishInTransaction(tx, jobId),
      }
      const result = await body(tx, { ...repositoriesFor(tx, now), ...context })
      const committed = await buffer.flush(tx, hook)
      ending.left = committed === null ? null : { committed, recorded: buffer.recorded }
      // The next that is sent is COMMIT: an error up to here leaves nothing behind, one from here on may.
      ending.committing = true
      return result
    }, limits)
    this.tell(ending)
    return result
  }

  private tell({ left }: Ending): void {
    if (left !== null) this.options.hook.committed(left.committed, left.recorded)
  }
}

export const createUnitOfWork = <R extends object>(options: UnitOfWorkOptions<R>): UnitOfWork<R> & Snapshots<R> =>
  new PrismaUnitOfWork(options)
