import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'

import type { DatabaseObserver } from '../kernel/database-observer.port.js'
import { correlation, inSpan } from '../kernel/correlation.js'
import type { Logger } from '../kernel/logger.port.js'
import { isOutdatedPlan, mapDatabaseError } from './errors.js'
import { PrismaClient, type Prisma } from './generated/client.js'
import { QueueingClient } from './queueing-client.js'
import { quickReads, type QuickRead } from './quick-reads.js'
import { repeatedRead } from './repeated-reads.js'
import { StatementNames } from './statement-names.js'

export interface DatabaseOptions {
  url: string
  /** Connections at most. */
  poolSize: number
  /** Milliseconds for one statement; also for getting a connection out of the pool. */
  timeoutMs: number
  log: Logger
  /** Shown in `pg_stat_activity`. */
  applicationName: string
  /** Operations that take longer are logged. @default 500 */
  slowMs?: number
  /** What the operations are counted under. @default 'primary' */
  name?: string
  onOperation?: DatabaseObserver['operationEnded']
}

export interface PoolUsage {
  max: number
  total: number
  idle: number
  waiting: number
}

export interface Database {
  prisma: PrismaClient
  /** For single reads outside any transaction: one that met a broken connection is made again. */
  reads: Prisma.TransactionClient
  /** The same for the few reads that nearly every request waits for. */
  quickRead: QuickRead
  /** For metrics and health. */
  poolUsage(): PoolUsage
  /** Ends every connection; running queries may finish. */
  close(): Promise<void>
}

/**
 * A transaction that waits for its own process holds back every reader of events, since they read only below the oldest
 * running transaction; a process that froze is cut off after this time.
 */
const IDLE_IN_TRANSACTION_MS = 5_000

/** How much longer than the server's own time-out the client waits, for servers that no longer answer at all. */
const ANSWER_MARGIN_MS = 5_000

const createPool = ({ url, poolSize, timeoutMs, applicationName, log }: DatabaseOptions): pg.Pool => {
  const pool = new pg.Pool({
    Client: QueueingClient,
    connectionString: url,
    max: poolSize,
    application_name: applicationName,
    connectionTimeoutMillis: timeoutMs,
    idleTimeoutMillis: 30_000,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs + ANSWER_MARGIN_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  })
  pool.on('error', (err) => log.warn({ err }, 'an idle database connection was lost'))
  return pool
}

/**
 * The pool and Prisma on it. Every operation, raw ones too, throws GantryError `UNAVAILABLE` when the pool is exhausted
 * or the connection is lost. Connections are made on first use.
 */
export const createDatabase = (options: DatabaseOptions): Database => {
  const { log } = options
  const pool = createPool(options)
  const onConnectionError = (err: Error) => log.warn({ err }, 'a database connection was lost')
  const names = new StatementNames()
  const statementNameGenerator = ({ sql }: { sql: string }) => names.nameOf(sql)
  const adapter = new PrismaPg(pool, { onConnectionError, statementNameGenerator })
  const base = new PrismaClient({ adapter })

  const watch = watching(options)
  const planned = <T>(run: () => Promise<T>) =>
    run().catch((error: unknown) => {
      if (!isOutdatedPlan(error)) throw error
      names.renew()
      // It was refused before it did anything. In a transaction this one is refused too, and all of it is repeated.
      return run().catch(() => Promise.reject(error as Error))
    })
  const once: QueryHook = ({ model, operation, args, query }) =>
    watch(model, operation, () => planned(() => query(args)))
  const extended = (hook: QueryHook) => base.$extends({ query: { $allOperations: hook } })

  return {
    // The extensions change no types: they only watch, repeat and map errors.
    prisma: extended(once) as unknown as PrismaClient,
    reads: extended((call) => repeatedRead(call, () => once(call))) as unknown as PrismaClient,
    quickRead: quickReads(pool, names, (what, run) => watch(undefined, what, () => planned(run))),
    poolUsage: () => ({
      ...{ max: options.poolSize, total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount },
    }),
    close: async () => {
      await base.$disconnect()
      if (!pool.ending) await pool.end()
    },
  }
}

type QueryHook = (call: {
  model?: string
  operation: string
  args: unknown
  query: (args: unknown) => Promise<unknown>
}) => Promise<unknown>

/** Times every operation, names the slow ones in the log, and maps what it throws. */
const watching =
  ({ log, slowMs = 500, name = 'primary', onOperation }: DatabaseOptions) =>
  async <T>(model: string | undefined, operation: string, run: () => Promise<T>): Promise<T> => {
    const startedMs = performance.now()
    const current = correlation()
    let failed = true
    try {
      const result = await (current?.span == null ? run() : spanned(name, model, operation, run))
      failed = false
      return result
    } catch (error) {
      throw mapDatabaseError(error)
    } finally {
      const ms = performance.now() - startedMs
      if (current !== undefined) {
        current.spent.databaseMs += ms
        current.spent.databaseOperations += 1
      }
      if (ms >= slowMs) log.warn({ model, operation, ms: Math.round(ms) }, 'slow database operation')
      onOperation?.({ database: name, model: model ?? null, operation, failed, durationSeconds: ms / 1_000 })
    }
  }

const spanned = <T>(database: string, model: string | undefined, operation: string, run: () => Promise<T>) =>
  inSpan(
    model === undefined ? operation : `${model}.${operation}`,
    'client',
    {
      'db.system.name': 'postgresql',
      'db.operation.name': operation,
      'db.collection.name': model,
      'gantry.database': database,
    },
    run,
  )
