import { open } from 'node:fs/promises'
import { posix } from 'node:path'
import type { FileStore, StagedFile, StoredFile } from '../files/file-store.js'
import { type FileLocation, FILE_ROOTS, isGcode, isRoot, locate, pathOf } from './file-location.js'
import { parseFileMetadata, SCANNED_BYTES } from './file-metadata.js'
import { ServerError } from './server-error.js'

const PRINTABLE_EXTENSIONS: ReadonlySet<string> = new Set(['.gcode', '.g', '.gco'])
const DISK_BYTES = 32 * 1024 ** 3

/** What the slicer wrote into a file, as `server.files.metadata` shows it. */
export type FileMetadata = Readonly<Record<string, unknown>>

/** What listings and answers say about a file or a folder. `modified` is Unix seconds. */
export interface PathInfo {
  readonly modified: number
  readonly size: number
  readonly permissions: string
}

/** Moonraker's view of the stored files: roots, folders, listings and metadata. */
export class ServedFiles {
  readonly #metadata = new Map<string, FileMetadata>()
  readonly #folders: Map<string, number>

  constructor(
    readonly store: FileStore,
    wallMs: () => number,
  ) {
    this.#folders = new Map(FILE_ROOTS.map((root) => [root, wallMs() / 1_000]))
  }

  /** Gives an upload its name, over an older file; folders on the way are made and its metadata is read. */
  async write(location: FileLocation, staged: StagedFile): Promise<void> {
    const name = pathOf(location)
    const file = await this.store.commit(name, staged)
    for (let folder = posix.dirname(name); folder !== '.'; folder = posix.dirname(folder)) {
      if (!this.#folders.has(folder)) this.#folders.set(folder, file.modifiedMs / 1_000)
    }
    if (isGcode(location)) this.#metadata.set(name, parseFileMetadata(await scannedText(file), infoOf(file)))
  }

  async delete(location: FileLocation): Promise<void> {
    this.#metadata.delete(pathOf(location))
    await this.store.delete(pathOf(location))
  }

  has(location: FileLocation): boolean {
    return this.store.get(pathOf(location)) !== undefined
  }

  /** Whether a job's file is still there, unchanged. */
  isUnchanged(filename: string, modified: unknown): boolean {
    const file = this.store.get(`gcodes/${filename}`)
    return file !== undefined && (typeof modified !== 'number' || file.modifiedMs / 1_000 === modified)
  }

  /**
   * Finds a file as Klipper's virtual SD card does: by exact name, then without regard to case.
   * @throws {ServerError} 400 "Unable to open file"
   */
  findPrintable(filename: string): string {
    const wanted = filename.replace(/^\//, '')
    const names = this.#in('gcodes').filter(([path]) => PRINTABLE_EXTENSIONS.has(posix.extname(path)))
    const found =
      names.find(([path]) => path === wanted) ?? names.find(([path]) => path.toLowerCase() === wanted.toLowerCase())
    if (!found) throw new ServerError('Unable to open file')
    return found[0]
  }

  /** Metadata of a file under `gcodes`; null for none. */
  metadata(filename: string): FileMetadata | null {
    return this.#metadata.get(`gcodes/${filename}`) ?? null
  }

  /** Remembers the last print of a file, as its metadata shows afterwards. */
  noteJob(filename: string, jobId: string, startTime: number): void {
    const metadata = this.metadata(filename)
    if (metadata) this.#metadata.set(`gcodes/${filename}`, { ...metadata, print_start_time: startTime, job_id: jobId })
  }

  /** The database is gone: what the files say themselves is read again, what was noted of prints is not. */
  forgetJobs(): void {
    for (const [name, { print_start_time: _start, job_id: _job, ...written }] of this.#metadata) {
      this.#metadata.set(name, written)
    }
  }

  /** The `item` of answers and notifications; a file that is gone has no size. */
  item(location: FileLocation): PathInfo & FileLocation {
    const file = this.store.get(pathOf(location))
    const info = file ? infoOf(file) : { modified: 0, size: 0, permissions: '' }
    return { path: location.path, root: location.root, ...info }
  }

  /**
   * `server.files.list`: every file of a root, in `gcodes` only g-code.
   * @throws {ServerError} 400 for an unknown root
   */
  list(root: string): readonly (PathInfo & { readonly path: string })[] {
    if (!isRoot(root)) throw new ServerError(`Failed to build file list, invalid path: ${root}: None`)
    return this.#in(root)
      .filter(([path]) => root !== 'gcodes' || isGcode({ root, path }))
      .map(([path, file]) => ({ path, ...infoOf(file) }))
      .sort((a, b) => (a.path.toLowerCase() < b.path.toLowerCase() ? -1 : 1))
  }

  /**
   * `server.files.get_directory`: one folder, without what lies in its subfolders.
   * @throws {ServerError} 400 when there is no such folder
   */
  directory(requested: string, isExtended: boolean): Readonly<Record<string, unknown>> {
    const location = locate(requested)
    const folder = pathOf(location)
    if (!this.#folders.has(folder)) throw new ServerError(`Directory does not exist (${requested})`)
    const files = this.store.list().filter((file) => posix.dirname(file.path) === folder)
    const folders = [...this.#folders].filter(([path]) => posix.dirname(path) === folder)
    return {
      dirs: folders.map(([path, modified]) => ({ ...folderInfo(modified), dirname: posix.basename(path) })),
      files: files.map((file) => ({
        ...infoOf(file),
        filename: posix.basename(file.path),
        ...(isExtended ? this.#metadata.get(file.path) : null),
      })),
      disk_usage: this.#diskUsage(),
      root_info: { name: location.root, permissions: 'rw' },
    }
  }

  #in(root: string): readonly (readonly [path: string, file: StoredFile])[] {
    const prefix = `${root}/`
    const files = this.store.list().filter((file) => file.path.startsWith(prefix))
    return files.map((file) => [file.path.slice(prefix.length), file] as const)
  }

  #diskUsage(): Readonly<Record<string, number>> {
    const used = this.store.list().reduce((sum, file) => sum + file.sizeBytes, 0)
    return { total: DISK_BYTES, used, free: DISK_BYTES - used }
  }
}

function infoOf(file: StoredFile): PathInfo {
  return { modified: file.modifiedMs / 1_000, size: file.sizeBytes, permissions: 'rw' }
}

function folderInfo(modified: number): PathInfo {
  return { modified, size: 4_096, permissions: 'rw' }
}

/** The first and the last part of a file, which is where slicers write about it. */
async function scannedText(file: StoredFile): Promise<string> {
  await using handle = await open(file.diskPath, 'r')
  const isShort = file.sizeBytes <= 2 * SCANNED_BYTES
  const head = Buffer.alloc(isShort ? file.sizeBytes : SCANNED_BYTES)
  const tail = Buffer.alloc(isShort ? 0 : SCANNED_BYTES)
  await handle.read(head, 0, head.length, 0)
  await handle.read(tail, 0, tail.length, file.sizeBytes - tail.length)
  return `${head.toString('utf8')}\n${tail.toString('utf8')}`
}
