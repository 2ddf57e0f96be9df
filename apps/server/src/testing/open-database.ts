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
