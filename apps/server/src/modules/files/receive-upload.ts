import type { PrintFileMetadata } from '@gantry/schemas'
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { GantryError } from '../../kernel/errors.js'
import type { FileStorage, PendingFile } from './file-storage.port.js'
import type { ScanThread } from './gcode/scan-thread.js'
import type { ThreadScan } from './gcode/thread-scan.js'
import type { ExtractedThumbnail } from './gcode/thumbnail-collector.js'

export interface ReceiveUploadOptions {
  storage: FileStorage
  scans: ScanThread
  /** Largest accepted file. */
  limitBytes: number
  /** The announced size (`Content-Length` of the file itself), if known; fewer or more bytes are a truncated upload. */
  expectedBytes?: number
  /** Hears of the bytes as they come. */
  bytesReceived?: (bytes: number) => void
  /** Gives the upload up: a deadline, a shutdown, a client that left. */
  signal?: AbortSignal
}

export interface ReceivedFile {
  sha256: string
  sizeBytes: number
  /** False if the same content was stored before. */
  created: boolean
  metadata: PrintFileMetadata
  /** The largest picture in the file, or null. */
  thumbnail: ExtractedThumbnail | null
}

/**
 * Receives a g-code file: hashes, scans and stores it in one pass at the pace of the slowest. On any failure nothing is
 * left in the storage. The source is never destroyed, except by `signal`, so that a refusal can still be answered on
 * the same connection; the caller ends or drains it.
 *
 * @throws GantryError `FILE_TOO_LARGE` `{ limitBytes }`, `UPLOAD_TRUNCATED`, `NOT_GCODE` `{ reason }`, `STORAGE_FULL`,
 *   `REQUEST_ABORTED` (or the signal's own reason if that is a GantryError)
 */
export async function receiveUpload(source: Readable, options: ReceiveUploadOptions): Promise<ReceivedFile> {
  const { expectedBytes, limitBytes, signal } = options
  throwIfAborted(signal)
  if (expectedBytes !== undefined && expectedBytes > limitBytes) throw tooLarge(limitBytes)
  const pending = await options.storage.begin(expectedBytes)
  const scan = options.scans.begin()
  const onAbort = () => source.destroy(new Error('The upload was given up.'))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    throwIfAborted(signal)
    return await receiveInto(pending, scan, source, options)
  } catch (error) {
    await pending.abort()
    throwIfAborted(signal)
    throw error
  } finally {
    scan.abandon()
    signal?.removeEventListener('abort', onAbort)
  }
}

async function receiveInto(
  pending: PendingFile,
  scan: ThreadScan,
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
    await scan.push(chunk)
    if (scan.refused !== null) throw notGcode(scan.refused)
    hash.update(chunk)
    await pending.write(chunk)
  }
  if (expectedBytes !== undefined && sizeBytes !== expectedBytes) throw truncated()
  const found = await scan.finish()
  if (!found.isGcode) throw notGcode(found.reason)
  // From here on the file is whole: an abort that comes later must not undo what may already be stored.
  throwIfAborted(signal)
  const sha256 = hash.digest('hex')
  const { created } = await pending.commit(sha256)
  return { sha256, sizeBytes, created, metadata: found.metadata, thumbnail: found.thumbnail }
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
const notGcode = (reason: string) => new GantryError('NOT_GCODE', { params: { reason } })
const tooLarge = (limitBytes: number) => new GantryError('FILE_TOO_LARGE', { params: { limitBytes } })

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw signal.reason instanceof GantryError
    ? signal.reason
    : new GantryError('REQUEST_ABORTED', { cause: signal.reason })
}
