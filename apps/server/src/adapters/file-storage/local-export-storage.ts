import { rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Readable } from 'node:stream'

import type { ExportStorage } from '../../modules/exports/exports.ports.js'
import type { ByteRange, PendingFile, StoredFile } from '../../modules/files/file-storage.port.js'
import { unlessMissing } from './disk-errors.js'
import { filesBefore, IncomingFolder } from './incoming-folder.js'
import { openRange } from './open-range.js'

/** The export's id and which of its runs wrote it. */
const NAME = /^exp_[0-9a-f-]{36}\.[0-9a-f]{32}$/

export interface LocalExportStorageOptions {
  /** Exports live in `<dataDir>/exports/ready`, half written ones in `<dataDir>/exports/incoming`. */
  dataDir: string
  reserveBytes: number
}

/** Exports in a local directory. Everything that has its final name is complete and durable. */
export class LocalExportStorage implements ExportStorage {
  readonly #ready: string
  readonly #incoming: IncomingFolder

  constructor({ dataDir, reserveBytes }: LocalExportStorageOptions) {
    this.#ready = join(dataDir, 'exports', 'ready')
    this.#incoming = new IncomingFolder(join(dataDir, 'exports', 'incoming'), reserveBytes)
  }

  begin(): Promise<PendingFile> {
    return this.#incoming.begin((name) => this.#pathOf(name), 0)
  }

  async open(name: string, range?: ByteRange): Promise<Readable> {
    return openRange(this.#pathOf(name), name, range)
  }

  async stat(name: string): Promise<StoredFile | null> {
    const found = await unlessMissing(stat(this.#pathOf(name)), null)
    return found === null ? null : { sizeBytes: found.size }
  }

  async delete(name: string): Promise<boolean> {
    const removal = rm(this.#pathOf(name)).then(() => true)
    return unlessMissing(removal, false)
  }

  async names(olderThan: Date): Promise<string[]> {
    const paths = await filesBefore(this.#ready, olderThan)
    return paths.map((path) => basename(path)).filter((name) => NAME.test(name))
  }

  sweepTemporary(olderThan: Date, signal: AbortSignal): Promise<number> {
    return this.#incoming.sweep(olderThan, signal)
  }

  #pathOf(name: string): string {
    // Only such a name may become part of a path, so that no caller's mistake leads out of the directory.
    if (!NAME.test(name)) throw new TypeError('A stored export is named by its id and its run.')
    return join(this.#ready, name)
  }
}
