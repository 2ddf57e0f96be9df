import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileSource, type GcodeSource } from '../machine/gcode-source.js'

/** One stored file. `path` is the host's name for it, such as `sub/a.gcode`; on disk it has a name of ours. */
export interface StoredFile {
  readonly path: string
  readonly sizeBytes: number
  /** Unix ms. */
  readonly modifiedMs: number
  readonly sha1: string
  readonly sha256: string
  readonly diskPath: string
}

/** Bytes that arrived but have no name yet: `commit` or `discard` them. */
export interface StagedFile {
  readonly diskPath: string
  readonly sizeBytes: number
  readonly sha1: string
  readonly sha256: string
}

/** The upload folder of one host: streamed to disk, named only when whole. */
export class FileStore {
  readonly #files = new Map<string, StoredFile>()

  constructor(
    private readonly directory: string,
    private readonly wallMs: () => number,
  ) {}

  /** Writes a stream to disk without giving it a name; leaves nothing behind when the stream breaks. */
  async stage(content: Readable | Uint8Array | string): Promise<StagedFile> {
    await mkdir(this.directory, { recursive: true })
    const diskPath = join(this.directory, randomUUID())
    const sha1 = createHash('sha1')
    const sha256 = createHash('sha256')
    let sizeBytes = 0
    const count = (bytes: Uint8Array): void => {
      sizeBytes += bytes.byteLength
      sha1.update(bytes)
      sha256.update(bytes)
    }
    try {
      if (typeof content === 'string' || content instanceof Uint8Array) {
        const bytes = Buffer.from(content)
        count(bytes)
        await writeFile(diskPath, bytes)
      } else {
        content.on('data', count)
        await pipeline(content, createWriteStream(diskPath))
      }
    } catch (error) {
      await rm(diskPath, { force: true })
      throw error
    }
    return { diskPath, sizeBytes, sha1: sha1.digest('hex'), sha256: sha256.digest('hex') }
  }

  /** Gives staged bytes their name, over an older file of that name. */
  async commit(path: string, staged: StagedFile): Promise<StoredFile> {
    const old = this.#files.get(path)
    const file: StoredFile = { ...staged, path, modifiedMs: this.wallMs() }
    this.#files.set(path, file)
    if (old) await rm(old.diskPath, { force: true })
    return file
  }

  async discard(staged: StagedFile): Promise<void> {
    await rm(staged.diskPath, { force: true })
  }

  get(path: string): StoredFile | undefined {
    return this.#files.get(path)
  }

  list(): StoredFile[] {
    return [...this.#files.values()]
  }

  /** Moves a file; the target name is overwritten. */
  async move(from: string, to: string): Promise<void> {
    const file = this.#files.get(from)
    if (!file) return
    this.#files.delete(from)
    await this.commit(to, file)
  }

  /** Removes a file; an open `GcodeSource` of it stays readable. */
  async delete(path: string): Promise<boolean> {
    const file = this.#files.get(path)
    if (!file) return false
    this.#files.delete(path)
    await rm(file.diskPath, { force: true })
    return true
  }

  /** Opens a file for printing; null when there is none of that name. */
  open(path: string): GcodeSource | null {
    const file = this.#files.get(path)
    return file ? fileSource(file.diskPath) : null
  }

  async read(path: string): Promise<Buffer | null> {
    const file = this.#files.get(path)
    return file ? readFile(file.diskPath) : null
  }

  /** Removes the folder with everything in it. */
  async removeAll(): Promise<void> {
    this.#files.clear()
    await rm(this.directory, { recursive: true, force: true })
  }
}
