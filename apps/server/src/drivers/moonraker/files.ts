import { posix } from 'node:path'
import { Readable } from 'node:stream'

import {
  DriverError,
  type PermissionProbe,
  type RemoteFile,
  type RevokeAnswer,
  type UploadOptions,
  type UploadSource,
} from '../../modules/printers/printer-driver.port.js'

import { hostDate } from '../host-values.js'
import { toDriverError } from './driver-errors.js'
import { isActive } from './mapper.js'
import { RpcError } from './rpc-error.js'
import type { MoonrakerSession } from './session.js'
import type { RpcSocket } from './socket.js'
import { readStatus } from './status.js'
import type { Uploader } from './uploader.js'
import { deletedFile, directory, fileList } from './wire.js'

const ROOT = 'gcodes'

/** The files of Moonraker's `gcodes` root. Paths are relative to it. */
export class Files {
  readonly #socket: RpcSocket
  readonly #session: MoonrakerSession
  readonly #uploader: Uploader

  constructor(socket: RpcSocket, session: MoonrakerSession, uploader: Uploader) {
    this.#socket = socket
    this.#session = session
    this.#uploader = uploader
  }

  /** Moonraker overwrites without a word, so the name is looked for first; ours are never used twice. */
  async upload(source: UploadSource, remoteName: string, options: UploadOptions): Promise<{ remotePath: string }> {
    if (await this.#exists(remoteName, options.signal)) {
      throw new DriverError('conflict_file', `the host has a file ${remoteName} already`)
    }
    const stored = await this.#uploader.upload(source, remoteName, options)
    if (stored.size !== source.sizeBytes) {
      throw new DriverError('protocol', `the host stored ${stored.size} instead of ${source.sizeBytes} bytes`)
    }
    return { remotePath: stored.path }
  }

  async list(limit: number, signal: AbortSignal): Promise<RemoteFile[]> {
    const files = await this.#socket.call('server.files.list', { root: ROOT }, fileList, { signal })
    return files.slice(0, limit).map(({ path, size, modified }) => ({
      remotePath: path,
      sizeBytes: size,
      modifiedAt: hostDate(modified),
    }))
  }

  async revoke(remotePath: string, signal: AbortSignal): Promise<RevokeAnswer> {
    try {
      await this.#delete(remotePath, signal)
      return 'deleted'
    } catch (error) {
      return error instanceof RpcError ? await this.#meaningOf(error, remotePath, signal) : 'unknown'
    }
  }

  /** Uploads a small file under this name and deletes it; Moonraker knows no rights beyond being let in. */
  async probe(name: string, signal: AbortSignal): Promise<PermissionProbe> {
    const source = { sizeBytes: PROBE.byteLength, sha256: null, open: () => Readable.from([PROBE]) }
    const refused = (error: unknown): string => {
      const refusal = toDriverError(error)
      if (error instanceof RpcError || refusal.details.httpStatus !== undefined) return refusal.message
      throw refusal
    }
    const stored = await this.#uploader.upload(source, name, { signal }).catch(refused)
    if (typeof stored === 'string') return { upload: false, delete: false, print: true, detail: stored }
    const refusal = await this.#delete(stored.path, signal).then(() => null, refused)
    return { upload: true, delete: refusal === null, print: true, detail: refusal }
  }

  async #delete(remotePath: string, signal: AbortSignal): Promise<void> {
    await this.#socket.call('server.files.delete_file', { path: `${ROOT}/${remotePath}` }, deletedFile, { signal })
  }

  /** What a refused delete proves. The same codes serve for other refusals, so the host is asked once more. */
  async #meaningOf({ code, message }: RpcError, remotePath: string, signal: AbortSignal): Promise<RevokeAnswer> {
    try {
      if (code === 403) return (await this.#isInUse(remotePath, signal)) ? 'in_use' : 'unknown'
      if (!/^Invalid file path|not found$|does not exist/i.test(message) || message === 'Method not found') {
        return 'unknown'
      }
      return (await this.#exists(remotePath, signal)) ? 'unknown' : 'absent'
    } catch {
      // Whatever went wrong here, it proves nothing about the file.
      return 'unknown'
    }
  }

  async #isInUse(remotePath: string, signal: AbortSignal): Promise<boolean> {
    const { klippy, status } = await this.#session.readPrinter(signal)
    const printer = readStatus(status)
    return isActive(klippy, printer) && printer.printStats.filename === remotePath
  }

  async #exists(remotePath: string, signal: AbortSignal): Promise<boolean> {
    const folder = posix.join(ROOT, posix.dirname(remotePath))
    try {
      const { files } = await this.#socket.call('server.files.get_directory', { path: folder }, directory, { signal })
      return files.some(({ filename }) => filename === posix.basename(remotePath))
    } catch (error) {
      if (error instanceof RpcError && error.message.startsWith('Directory does not exist')) return false
      throw error
    }
  }
}

const PROBE = Buffer.from('; Gantry checks that it may upload and delete files here. Safe to delete.\n')
