import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { ByteRange, FileStorage, PendingFile, StoredFile } from '../../modules/files/file-storage.port.js'
import { unlessMissing } from './disk-errors.js'
import { IncomingFolder } from './incoming-folder.js'
import { openRange } from './open-range.js'

const SHA256 = /^[0-9a-f]{64}$/

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

  async delete(sha256: string): Promise<boolean> {
    const path = this.#pathOf(sha256)
    return unlessMissing(
      rm(path).then(() => true),
      false,
    )
  }

  sweepTemporary(olderThan: Date): Promise<number> {
    return this.#incoming.sweep(olderThan)
  }

  #pathOf(sha256: string): string {
    // Only a hash may become part of a path, so that no caller's mistake leads out of the directory.
    if (!SHA256.test(sha256)) throw new TypeError('A stored file is named by its SHA-256 in lower-case hex.')
    return join(this.#root, sha256.slice(0, 2), sha256.slice(2, 4), sha256)
  }
}
