import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

import type { StorageSpace } from '@gantry/schemas'

import { GantryError } from '../../kernel/errors.js'
import { toStorageError, unlessMissing } from './disk-errors.js'
import { LocalPendingFile } from './local-pending-file.js'

/** The free space is asked for again after so many bytes. */
const SPACE_CHECK_EVERY_BYTES = 32 * 1024 * 1024

/** Where files lie while they are written, on the disk on which they stay. */
export class IncomingFolder {
  /** @param reserveBytes so much of the disk is left free, since the database may live on it */
  constructor(
    private readonly path: string,
    private readonly reserveBytes: number,
  ) {}

  /**
   * @param pathOf where the file goes by the name that it is given at last
   * @throws GantryError `STORAGE_FULL`
   */
  async begin(pathOf: (name: string) => string, expectedBytes: number): Promise<LocalPendingFile> {
    try {
      const path = await this.newPath()
      await this.ensureSpace(expectedBytes)
      const handle = await open(path, 'wx+', 0o600)
      return new LocalPendingFile(handle, path, pathOf, this.spaceGuard())
    } catch (error) {
      throw toStorageError(error)
    }
  }

  /** Where a file may lie that is not yet, or no longer, at its place. */
  async newPath(): Promise<string> {
    await mkdir(this.path, { recursive: true })
    return join(this.path, randomBytes(16).toString('hex'))
  }

  /** Removes what a killed process left; returns how many files that were. */
  async sweep(olderThan: Date, signal: AbortSignal): Promise<number> {
    let removed = 0
    for (const path of await filesBefore(this.path, olderThan)) {
      signal.throwIfAborted()
      await rm(path, { force: true })
      removed++
    }
    return removed
  }

  async space(): Promise<StorageSpace> {
    await mkdir(this.path, { recursive: true })
    const { bavail, blocks, bsize } = await statfs(this.path)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, reservedBytes: this.reserveBytes }
  }

  private async ensureSpace(bytes: number): Promise<void> {
    const { freeBytes, reservedBytes } = await this.space()
    if (freeBytes - reservedBytes < bytes) throw new GantryError('STORAGE_FULL')
  }

  private spaceGuard(): (bytes: number) => Promise<void> {
    let unchecked = 0
    return async (bytes) => {
      unchecked += bytes
      if (unchecked < SPACE_CHECK_EVERY_BYTES) return
      unchecked = 0
      await this.ensureSpace(bytes)
    }
  }
}

/** The files of a folder that were last written before this time. */
export const filesBefore = async (folder: string, olderThan: Date): Promise<string[]> => {
  const paths: string[] = []
  for (const name of await unlessMissing(readdir(folder), [])) {
    const path = join(folder, name)
    const found = await unlessMissing(stat(path), null)
    if (found !== null && found.mtime < olderThan) paths.push(path)
  }
  return paths
}
