import { mkdir, open, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { CommittedFile, PendingFile } from '../../modules/files/file-storage.port.js'
import { BufferedWriter } from './buffered-writer.js'
import { toStorageError, unlessMissing } from './disk-errors.js'

/** A file under a temporary name until its content is complete and durable. */
export class LocalPendingFile implements PendingFile {
  readonly #writer: BufferedWriter
  #ended = false
  /** Whether the file has all that was written so far. */
  #isDrained = true

  constructor(
    private readonly handle: FileHandle,
    private readonly temporaryPath: string,
    private readonly pathOf: (sha256: string) => string,
    ensureSpace: (bytes: number) => Promise<void>,
  ) {
    this.#writer = new BufferedWriter(handle, ensureSpace)
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.#ended) throw new Error('This file was committed or aborted before.')
    this.#isDrained = false
    try {
      await this.#writer.write(chunk)
    } catch (error) {
      throw toStorageError(error)
    }
  }

  async read(at: number, length: number): Promise<Buffer> {
    if (this.#ended) throw new Error('This file was committed or aborted before.')
    try {
      if (!this.#isDrained) await this.#writer.drain()
      this.#isDrained = true
      const { buffer, bytesRead } = await this.handle.read(Buffer.allocUnsafe(length), 0, length, at)
      return buffer.subarray(0, bytesRead)
    } catch (error) {
      throw toStorageError(error)
    }
  }

  async commit(sha256: string): Promise<CommittedFile> {
    if (this.#ended) throw new Error('This file was committed or aborted before.')
    try {
      const path = this.pathOf(sha256)
      await this.#writer.finish()
      await this.handle.close()
      const created = await this.#moveTo(path)
      this.#ended = true
      return { sizeBytes: this.#writer.sizeBytes, created }
    } catch (error) {
      await this.abort()
      throw toStorageError(error)
    }
  }

  async abort(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#writer.settle()
    await this.handle.close()
    await rm(this.temporaryPath, { force: true })
  }

  async #moveTo(path: string): Promise<boolean> {
    const existing = await unlessMissing(stat(path), null)
    // Another size under the same hash is a damaged copy; the good one takes its place.
    if (existing?.size === this.#writer.sizeBytes && (await isMarkedReceived(path))) {
      await rm(this.temporaryPath)
      return false
    }
    const shard = dirname(path)
    await mkdir(shard, { recursive: true })
    await rename(this.temporaryPath, path)
    // The name is durable only with its directory, and a new directory with its parents.
    for (const directory of [shard, dirname(shard), dirname(dirname(shard))]) await syncDirectory(directory)
    return true
  }
}

/** Whoever deletes old contents leaves this one alone from now on. False if he was faster. */
const isMarkedReceived = (path: string): Promise<boolean> => {
  const now = new Date()
  return unlessMissing(
    utimes(path, now, now).then(() => true),
    false,
  )
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
