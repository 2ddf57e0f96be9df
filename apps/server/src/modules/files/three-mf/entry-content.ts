import { pipeline, Readable } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'

import type { ArchiveEntry } from './archive-directory.js'
import type { ArchiveSource } from './archive-source.js'
import { refused } from './refusal.js'

const CHUNK_BYTES = 64 * 1024

/**
 * Unpacks one file, a chunk at a time. It ends well only when size and checksum are those that were said; never does it
 * give more than that size.
 * @throws GantryError `NOT_3MF`
 */
export async function* contentOf(source: ArchiveSource, entry: ArchiveEntry): AsyncGenerator<Buffer, void, undefined> {
  let sizeBytes = 0
  let checksum = 0
  for await (const chunk of entry.isDeflated ? inflated(source, entry) : packed(source, entry)) {
    sizeBytes += chunk.length
    if (sizeBytes > entry.sizeBytes) throw refused('malformed', `${entry.name}: larger than it is said to be`)
    checksum = crc32(chunk, checksum)
    yield chunk
  }
  if (sizeBytes !== entry.sizeBytes) throw refused('malformed', `${entry.name}: smaller than it is said to be`)
  if (checksum !== entry.crc32) throw refused('checksum', entry.name)
}

/** The file as it lies in the archive. */
async function* packed(source: ArchiveSource, entry: ArchiveEntry): AsyncGenerator<Buffer, void, undefined> {
  const end = entry.dataAt + entry.compressedBytes
  for (let at = entry.dataAt; at < end;) {
    const chunk = await source.read(at, Math.min(CHUNK_BYTES, end - at))
    if (chunk.length === 0) throw refused('malformed', `${entry.name}: ends before`)
    at += chunk.length
    yield chunk
  }
}

/** Zlib works in threads of its own; what it has made waits there until it is asked for. */
async function* inflated(source: ArchiveSource, entry: ArchiveEntry): AsyncGenerator<Buffer, void, undefined> {
  const inflate = createInflateRaw({ chunkSize: CHUNK_BYTES })
  // Whatever fails comes out of the last of the two streams.
  pipeline(Readable.from(packed(source, entry)), inflate, () => undefined)
  try {
    yield* inflate as AsyncIterable<Buffer>
  } catch (error) {
    throw isZlibError(error) ? refused('malformed', `${entry.name}: ${error.message}`, error) : error
  }
  if (inflate.bytesWritten !== entry.compressedBytes) throw refused('malformed', `${entry.name}: goes on after its end`)
}

const isZlibError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')
