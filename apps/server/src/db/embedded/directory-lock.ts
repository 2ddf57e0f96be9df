import { setTimeout as sleep } from 'node:timers/promises'

import { Deadline } from './deadline.js'
import { EmbeddedPostgresError } from './errors.js'
import type { ProcessEntry, ProcessFolder } from './process-folder.js'

export interface DirectoryLockOptions {
  timeoutSeconds: number
  /** Between 0 and 1; spreads the retries of processes that met at the door. */
  random?: () => number
}

/**
 * Runs `work` while no other holder of the same folder runs, on this machine.
 *
 * Each contender shows its entry first and looks for others second, and withdraws if it sees one. Of two contenders at
 * least one sees the other, because the later look comes after both entries exist; so two can never both go in, and
 * nothing is ever taken from somebody who looked dead (docs/adr/0002).
 *
 * @throws EmbeddedPostgresError `lock_timeout`
 */
export async function withDirectoryLock<T>(
  folder: ProcessFolder,
  { timeoutSeconds, random = Math.random }: DirectoryLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = new Deadline(timeoutSeconds)
  for (;;) {
    const holders = await folder.liveEntries()
    const entry = holders.length === 0 ? await tryToHold(folder) : null
    if (entry !== null) {
      try {
        return await work()
      } finally {
        await entry.leave()
      }
    }
    if (deadline.expired) {
      const holder = holders[0]?.split('.')[0] ?? 'unknown'
      throw new EmbeddedPostgresError(
        'lock_timeout',
        `Another process (pid ${holder}) has been starting or stopping this database for more than ${timeoutSeconds} s.`,
      )
    }
    await sleep(20 + 60 * random())
  }
}

async function tryToHold(folder: ProcessFolder): Promise<ProcessEntry | null> {
  const entry = await folder.enter()
  try {
    const live = await folder.liveEntries()
    if (live.every((name) => name === entry.name)) return entry
  } catch (error) {
    await entry.leave()
    throw error
  }
  await entry.leave()
  return null
}
