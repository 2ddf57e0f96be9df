import { expect } from 'vitest'

import type { PrismaClient } from '../db/generated/client.js'
import type { CommitHook } from '../kernel/commit-hook.port.js'
import { createDatabase, type Database, type DatabaseOptions } from '../db/client.js'
import { createTestDatabase } from './database.js'
import { recordingLogger, type RecordingLogger } from './recording-logger.js'

export interface OpenDatabase extends Database, AsyncDisposable {
  url: string
  log: RecordingLogger
}

/** A migrated database of its own with a pool on it; `await using` closes and drops both. */
export const openTestDatabase = async (options: Partial<DatabaseOptions> = {}): Promise<OpenDatabase> => {
  const created = await createTestDatabase()
  const { url } = created
  const log = recordingLogger()
  const database = createDatabase({ url, poolSize: 5, timeoutMs: 10_000, applicationName: 'test', log, ...options })
  return {
    ...database,
    url,
    log,
    [Symbol.asyncDispose]: async () => {
      await database.close()
      await created.drop()
    },
  }
}

/** A commit hook for tests in which nobody listens. */
export const silentHook: CommitHook = { channel: 'gantry_test', notice: () => '', committed: () => undefined }

/**
 * Waits until every transaction that has begun is over, in the databases of other tests too: they share one server,
 * and events are readable only below its oldest running transaction.
 */
export const settleTransactions = async (prisma: PrismaClient): Promise<void> => {
  const [row] = await prisma.$queryRaw<{ ceiling: string }[]>`
    select pg_snapshot_xmax(pg_current_snapshot())::text as ceiling`
  const settled = async () => {
    const [now] = await prisma.$queryRaw<{ over: boolean }[]>`
      select pg_snapshot_xmin(pg_current_snapshot()) >= ${row?.ceiling ?? '0'}::text::xid8 as over`
    return now?.over
  }
  await expect.poll(settled, { interval: 5 }).toBe(true)
}

/** Waits until one transaction of this database stands in line for a lock. */
export const untilOneWaitsForLock = (prisma: PrismaClient) =>
  expect
    .poll(async () => {
      const [row] = await prisma.$queryRaw<{ n: bigint }[]>`
        SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      return Number(row?.n)
    })
    .toBe(1)
