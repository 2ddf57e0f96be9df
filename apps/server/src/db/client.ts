import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'

import type { Logger } from '../kernel/logger.port.js'
import { isOutdatedPlan, mapDatabaseError } from './errors.js'
import { PrismaClient } from './generated/client.js'
import { QueueingClient } from './queueing-client.js'
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
}

export interface PoolUsage {
  total: number
  idle: number
  waiting: number
}

export interface Database {
  prisma: PrismaClient
  /** For metrics. */
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
  const { log, slowMs = 500 } = options
  const pool = createPool(options)
  const onConnectionError = (err: Error) => log.warn({ err }, 'a database connection was lost')
  const names = new StatementNames()
  const statementNameGenerator = ({ sql }: { sql: string }) => names.nameOf(sql)
  const adapter = new PrismaPg(pool, { disposeExternalPool: true, onConnectionError, statementNameGenerator })
  const base = new PrismaClient({ adapter })

  const extended = base.$extends({
    query: {
      async $allOperations({ model, operation, args, query }) {
        const startedMs = performance.now()
        try {
          return (await query(args)) as unknown
        } catch (error) {
          if (!isOutdatedPlan(error)) throw mapDatabaseError(error)
          names.renew()
          // It was refused before it did anything. In a transaction this one is refused too, and all of it is repeated.
          return (await query(args).catch(() => Promise.reject(error as Error))) as unknown
        } finally {
          const ms = Math.round(performance.now() - startedMs)
          if (ms >= slowMs) log.warn({ model, operation, ms }, 'slow database operation')
        }
      },
    },
  })

  return {
    // The extension changes no types: it only watches and maps errors.
    prisma: extended as unknown as PrismaClient,
    poolUsage: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => base.$disconnect(),
  }
}
