import type { FileFormat } from '@gantry/schemas'
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { GantryError } from '../../kernel/errors.js'
import type { FileStorage, PendingFile } from './file-storage.port.js'
import type { ScanThread } from './gcode/scan-thread.js'
import { readerOf, type FileContents, type UploadReader } from './upload-readers.js'

export interface ReceiveUploadOptions {
  storage: FileStorage
  scans: ScanThread
  /** What the file is said to be. */
  format: FileFormat
  /** Largest accepted file. */
  limitBytes: number
  /** The announced size (`Content-Length` of the file itself), if known; fewer or more bytes are a truncated upload. */
  expectedBytes?: number
  /** Hears of the bytes as they come. */
  bytesReceived?: (bytes: number) => void
  /** Gives the upload up: a deadline, a shutdown, a client that left. */
  signal?: AbortSignal
}

export interface ReceivedFile extends FileContents {
  sha256: string
  sizeBytes: number
  /** False if the same content was stored before. */
  created: boolean
}

/**
 * Receives a file: hashes, reads and stores it in one pass at the pace of the slowest; what can be read only when it is
 * whole is read before it is kept. On any failure nothing is left in the storage. The source is never destroyed, except by `signal`, so that a refusal can still be answered on
 * the same connection; the caller ends or drains it.
 *
 * @throws GantryError `FILE_TOO_LARGE` `{ limitBytes }`, `UPLOAD_TRUNCATED`, `NOT_GCODE` `{ reason }`, `NOT_3MF`
 *   `{ reason }`, `NOT_SLICED`, `STORAGE_FULL`, `REQUEST_ABORTED` (or the signal's own reason if that is a GantryError)
 */
export async function receiveUpload(source: Readable, options: ReceiveUploadOptions): Promise<ReceivedFile> {
  const { expectedBytes, limitBytes, signal } = options
  throwIfAborted(signal)
  if (expectedBytes !== undefined && expectedBytes > limitBytes) throw tooLarge(limitBytes)
  const pending = await options.storage.begin(expectedBytes)
  const reader = readerOf[options.format](options)
  const onAbort = () => source.destroy(new Error('The upload was given up.'))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    throwIfAborted(signal)
    return await receiveInto(pending, reader, source, options)
  } catch (error) {
    await pending.abort()
    throwIfAborted(signal)
    throw error
  } finally {
    reader.abandon()
    signal?.removeEventListener('abort', onAbort)
  }
}

async function receiveInto(
  pending: PendingFile,
  reader: UploadReader,
  source: Readable,
  options: ReceiveUploadOptions,
): Promise<ReceivedFile> {
  const { expectedBytes, limitBytes, bytesReceived, signal } = options
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const chunk of chunksOf(source)) {
    sizeBytes += chunk.length
    bytesReceived?.(chunk.length)
    if (sizeBytes > limitBytes) throw tooLarge(limitBytes)
    await reader.push(chunk)
    hash.update(chunk)
    await pending.write(chunk)
  }
  if (expectedBytes !== undefined && sizeBytes !== expectedBytes) throw truncated()
  const { metadata, thumbnail } = await reader.finish(pending, sizeBytes)
  // From here on the file is whole: an abort that comes later must not undo what may already be stored.
  throwIfAborted(signal)
  const sha256 = hash.digest('hex')
  const { created } = await pending.commit(sha256)
  return { sha256, sizeBytes, created, metadata, thumbnail }
}

/** The source's chunks; an error of the source itself, such as a lost connection, is a truncated upload. */
async function* chunksOf(source: Readable): AsyncGenerator<Buffer, void, undefined> {
  const chunks = source.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>
  for (;;) {
    const next = await chunks.next().catch((cause: unknown) => {
      throw truncated(cause)
    })
    if (next.done === true) return
    yield next.value
  }
}

const truncated = (cause?: unknown) => new GantryError('UPLOAD_TRUNCATED', { cause })
const tooLarge = (limitBytes: number) => new GantryError('FILE_TOO_LARGE', { params: { limitBytes } })

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw signal.reason instanceof GantryError
    ? signal.reason
    : new GantryError('REQUEST_ABORTED', { cause: signal.reason })
}
