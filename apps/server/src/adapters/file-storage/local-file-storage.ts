import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { GantryError, invalidField, notFound } from '../../kernel/errors.js'
import type { ByteRange, FileStorage, PendingFile, StoredFile } from '../../modules/files/file-storage.port.js'
import { toStorageError, unlessMissing } from './disk-errors.js'
import { LocalPendingFile } from './local-pending-file.js'

const SHA256 = /^[0-9a-f]{64}$/
/** The free space is asked for again after so many bytes. */
const SPACE_CHECK_EVERY_BYTES = 32 * 1024 * 1024

export interface LocalFileStorageOptions {
  /** Files live in `<dataDir>/files/ab/cd/<sha256>`, half received ones in `<dataDir>/files/incoming`. */
  dataDir: string
  /** Uploads leave so much of the disk free, since the database may live on it. */
  reserveBytes: number
}

/** Content-addressed files in a local directory. Everything that has its final name is complete and durable. */
export class LocalFileStorage implements FileStorage {
  readonly #root: string
  readonly #incoming: string
  readonly #reserveBytes: number

  constructor(options: LocalFileStorageOptions) {
    this.#root = join(options.dataDir, 'files')
    this.#incoming = join(this.#root, 'incoming')
    this.#reserveBytes = options.reserveBytes
  }

  async begin(expectedBytes = 0): Promise<PendingFile> {
    try {
      await mkdir(this.#incoming, { recursive: true })
      await this.#ensureSpace(expectedBytes)
      const path = join(this.#incoming, randomBytes(16).toString('hex'))
      const handle = await open(path, 'wx', 0o600)
      return new LocalPendingFile(handle, path, (sha256) => this.#pathOf(sha256), this.#spaceGuard())
    } catch (error) {
      throw toStorageError(error)
    }
  }

  async open(sha256: string, range?: ByteRange): Promise<Readable> {
    const handle = await unlessMissing(open(this.#pathOf(sha256), 'r'), null)
    if (handle === null) throw notFound('file', sha256)
    if (range !== undefined && !isRange(range)) {
      await handle.close()
      throw invalidField('range', 'must be whole byte positions, the first not after the last')
    }
    return handle.createReadStream({ ...range, highWaterMark: 256 * 1024 })
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

  async sweepTemporary(olderThan: Date): Promise<number> {
    const names = await unlessMissing(readdir(this.#incoming), [])
    let removed = 0
    for (const name of names) {
      const path = join(this.#incoming, name)
      const found = await unlessMissing(stat(path), null)
      if (found === null || found.mtime >= olderThan) continue
      await rm(path, { force: true })
      removed++
    }
    return removed
  }

  #pathOf(sha256: string): string {
    // Only a hash may become part of a path, so that no caller's mistake leads out of the directory.
    if (!SHA256.test(sha256)) throw new TypeError('A stored file is named by its SHA-256 in lower-case hex.')
    return join(this.#root, sha256.slice(0, 2), sha256.slice(2, 4), sha256)
  }

  async #ensureSpace(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#incoming)
    if (bavail * bsize - this.#reserveBytes < bytes) throw new GantryError('STORAGE_FULL')
  }

  #spaceGuard(): (bytes: number) => Promise<void> {
    let unchecked = 0
    return async (bytes) => {
      unchecked += bytes
      if (unchecked < SPACE_CHECK_EVERY_BYTES) return
      unchecked = 0
      await this.#ensureSpace(bytes)
    }
  }
}

const isRange = ({ start, end }: ByteRange): boolean =>
  Number.isSafeInteger(start) && start >= 0 && (end === undefined || (Number.isSafeInteger(end) && end >= start))
