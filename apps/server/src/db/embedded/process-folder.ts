import { randomBytes } from 'node:crypto'
import { readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { startMark } from './process-identity.js'

const ENTRY_NAME = /^(?<pid>\d{1,10})\.(?<mark>[0-9A-Za-z-]+)\.[0-9a-f]{12}$/

/** One process's entry in a {@link ProcessFolder}. */
export interface ProcessEntry {
  readonly name: string
  leave(): Promise<void>
}

/**
 * A folder of empty files whose names say which process made them. An entry counts only while that very process runs,
 * so a killed process leaves nothing that must be cleaned up in time. Names are never used twice: whoever finds a dead
 * entry may remove it, and can never remove a living one by mistake.
 */
export class ProcessFolder {
  constructor(
    private readonly folder: string,
    private readonly markOf: (pid: number) => Promise<string | null> = startMark,
  ) {}

  /** Adds an entry for this process. One process may have several. */
  async enter(): Promise<ProcessEntry> {
    const mark = await this.markOf(process.pid)
    const name = `${process.pid}.${String(mark)}.${randomBytes(6).toString('hex')}`
    const file = path.join(this.folder, name)
    await writeFile(file, '', { flag: 'wx', mode: 0o600 })
    return { name, leave: () => rm(file, { force: true }) }
  }

  /** The names of the entries whose processes run; dead entries are removed on the way. */
  async liveEntries(): Promise<string[]> {
    const live: string[] = []
    for (const name of await readdir(this.folder)) {
      const { pid, mark } = ENTRY_NAME.exec(name)?.groups ?? {}
      if (pid === undefined) continue
      if ((await this.markOf(Number(pid))) === mark) live.push(name)
      else await rm(path.join(this.folder, name), { force: true })
    }
    return live
  }
}
