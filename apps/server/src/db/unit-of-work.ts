import { setTimeout as sleep } from 'node:timers/promises'

import type { CommitHook } from '../kernel/commit-hook.port.js'
import { jittered, type Random } from '../kernel/random.js'
import type { IdempotentCall, Snapshots, TransactionContext, UnitOfWork } from '../kernel/unit-of-work.port.js'
import { isTransient, mapDatabaseError } from './errors.js'
import type { Prisma, PrismaClient } from './generated/client.js'
import { answerOnce, recallAnswer } from './idempotency.js'
import { finishInTransaction } from './outbox.js'
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

const TRIES = 6
const FIRST_PAUSE_MS = 10

const databaseNow = async (tx: Prisma.TransactionClient): Promise<Date> => {
  // To the millisecond, as columns keep it and as a Date can hold it.
  const [row] = await tx.$queryRaw<{ now: Date }[]>`select now()::timestamptz(3) as now`
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
    return this.transact((_tx, offered) => work(offered))
  }

  once<T>(call: IdempotentCall, work: Work<R, T>): Promise<T> {
    return this.transact((tx, offered) => answerOnce(tx, call, () => work(offered)))
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
    return prisma.$transaction(read, { ...limits, isolationLevel: 'RepeatableRead' }).catch((error: unknown) => {
      throw mapDatabaseError(error)
    })
  }

  private async transact<T>(
    body: (tx: Prisma.TransactionClient, offered: R & TransactionContext) => Promise<T>,
  ): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.attempt(body)
      } catch (error) {
        if (tried === TRIES || !isTransient(error)) throw mapDatabaseError(error)
        await sleep(jittered(FIRST_PAUSE_MS * 2 ** tried, this.random))
      }
    }
  }

  private async attempt<T>(
    body: (tx: Prisma.TransactionClient, offered: R & TransactionContext) => Promise<T>,
  ): Promise<T> {
    const { prisma, repositoriesFor, hook } = this.options
    const limits = { maxWait: this.timeoutMs, timeout: this.timeoutMs }
    const { result, committed, recorded } = await prisma.$transaction(async (tx) => {
      const now = await databaseNow(tx)
      const buffer = new TransactionBuffer()
      const context: TransactionContext = {
        now,
        record: (event, actorId) => buffer.record(event, actorId),
        enqueue: (definition, payload) => buffer.enqueue(definition, payload),
        finishJob: (jobId) => finishInTransaction(tx, jobId),
      }
      const result = await body(tx, { ...repositoriesFor(tx, now), ...context })
      return { result, committed: await buffer.flush(tx, hook), recorded: buffer.recorded }
    }, limits)
    if (committed !== null) hook.committed(committed, recorded)
    return result
  }
}

export const createUnitOfWork = <R extends object>(options: UnitOfWorkOptions<R>): UnitOfWork<R> & Snapshots<R> =>
  new PrismaUnitOfWork(options)
