import { opendir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

import type { StorageSpace } from '@gantry/schemas'

import type { ByteRange, FileStorage, PendingFile, StoredFile } from '../../modules/files/file-storage.port.js'
import { unlessMissing } from './disk-errors.js'
import { IncomingFolder } from './incoming-folder.js'
import { openRange } from './open-range.js'

const SHA256 = /^[0-9a-f]{64}$/
const SHARD = /^[0-9a-f]{2}$/

export interface LocalFileStorageOptions {
  /** Files live in `<dataDir>/files/ab/cd/<sha256>`, half received ones in `<dataDir>/files/incoming`. */
  dataDir: string
  /** Uploads leave so much of the disk free, since the database may live on it. */
  reserveBytes: number
}

/** Content-addressed files in a local directory. Everything that has its final name is complete and durable. */
export class LocalFileStorage implements FileStorage {
  readonly #root: string
  readonly #incoming: IncomingFolder

  constructor(options: LocalFileStorageOptions) {
    this.#root = join(options.dataDir, 'files')
    this.#incoming = new IncomingFolder(join(this.#root, 'incoming'), options.reserveBytes)
  }

  begin(expectedBytes = 0): Promise<PendingFile> {
    return this.#incoming.begin((sha256) => this.#pathOf(sha256), expectedBytes)
  }

  async open(sha256: string, range?: ByteRange): Promise<Readable> {
    return openRange(this.#pathOf(sha256), sha256, range)
  }

  async stat(sha256: string): Promise<StoredFile | null> {
    const found = await unlessMissing(stat(this.#pathOf(sha256)), null)
    return found === null ? null : { sizeBytes: found.size }
  }

  async delete(sha256: string, receivedBefore: Date): Promise<boolean> {
    const path = this.#pathOf(sha256)
    const found = await unlessMissing(stat(path), null)
    if (found === null || found.mtime > receivedBefore) return false
    // Taken aside first: whoever receives the same content just now either marked this copy before, which is seen
    // below, or finds none and stores his own.
    const aside = await this.#incoming.newPath()
    if (!(await isMoved(path, aside))) return false
    // A sweep of what is half received may be faster with the rest.
    const taken = await unlessMissing(stat(aside), null)
    if (taken !== null && taken.mtime > receivedBefore) {
      await rename(aside, path)
      return false
    }
    await rm(aside, { force: true })
    return true
  }

  space(): Promise<StorageSpace> {
    return this.#incoming.space()
  }

  async *contents(signal: AbortSignal): AsyncGenerator<string, void, void> {
    for await (const first of namesIn(this.#root, SHARD)) {
      for await (const second of namesIn(join(this.#root, first), SHARD)) {
        for await (const name of namesIn(join(this.#root, first, second), SHA256)) {
          signal.throwIfAborted()
          yield name
        }
      }
    }
  }

  sweepTemporary(olderThan: Date, signal: AbortSignal): Promise<number> {
    return this.#incoming.sweep(olderThan, signal)
  }

  #pathOf(sha256: string): string {
    // Only a hash may become part of a path, so that no caller's mistake leads out of the directory.
    if (!SHA256.test(sha256)) throw new TypeError('A stored file is named by its SHA-256 in lower-case hex.')
    return join(this.#root, sha256.slice(0, 2), sha256.slice(2, 4), sha256)
  }
}

/** The names in a folder, which need not be there. */
const namesIn = async function* (folder: string, pattern: RegExp): AsyncGenerator<string, void, void> {
  const entries = await unlessMissing(opendir(folder), null)
  if (entries === null) return
  for await (const { name } of entries) if (pattern.test(name)) yield name
}

/** False if there was nothing to move. */
const isMoved = (from: string, to: string): Promise<boolean> =>
  unlessMissing(
    rename(from, to).then(() => true),
    false,
  )
