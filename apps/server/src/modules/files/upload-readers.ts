import type { FileFormat, PrintFileMetadata } from '@gantry/schemas'

import type { PendingFile } from './file-storage.port.js'
import type { ScanThread } from './gcode/scan-thread.js'
import type { ExtractedThumbnail } from './gcode/thumbnail-collector.js'
import { notGcode } from './not-gcode.js'
import { readThreeMf } from './three-mf/read-three-mf.js'
import { refused } from './three-mf/refusal.js'

/** What a file tells of itself. */
export interface FileContents {
  metadata: PrintFileMetadata
  /** The largest picture in the file, or null. */
  thumbnail: ExtractedThumbnail | null
}

/** Reads one upload. It ends by `finish` or `abandon`. */
export interface UploadReader {
  /** Takes the next bytes as they come; does not keep `chunk`. @throws GantryError as soon as the file is none */
  push(chunk: Buffer): Promise<void>
  /** @param received the whole file. @throws GantryError */
  finish(received: PendingFile, sizeBytes: number): Promise<FileContents>
  /** Harmless after `finish`. */
  abandon(): void
}

export interface ReaderOptions {
  scans: ScanThread
  signal?: AbortSignal | undefined
}

/** G-code is read while it comes. */
const gcodeReader = ({ scans }: ReaderOptions): UploadReader => {
  const scan = scans.begin()
  return {
    async push(chunk) {
      await scan.push(chunk)
      if (scan.refused !== null) throw notGcode(scan.refused)
    },
    async finish() {
      const found = await scan.finish()
      if (!found.isGcode) throw notGcode(found.reason)
      return found
    },
    abandon: () => scan.abandon(),
  }
}

/** As every archive begins whose first file is at its first byte. */
const SIGNATURE = Buffer.from('PK\x03\x04', 'latin1')

/** An archive's list of files is at its end: of what comes only the first bytes are looked at. */
const threeMfReader = (options: ReaderOptions): UploadReader => {
  let seen = 0
  return {
    push(chunk) {
      const expected = SIGNATURE.subarray(seen, seen + chunk.length)
      seen += expected.length
      return chunk.subarray(0, expected.length).equals(expected)
        ? Promise.resolve()
        : Promise.reject(refused('not_zip'))
    },
    finish: (received, sizeBytes) =>
      readThreeMf({ sizeBytes, read: (at, length) => received.read(at, length) }, options),
    abandon: () => undefined,
  }
}

export const readerOf: Readonly<Record<FileFormat, (options: ReaderOptions) => UploadReader>> = {
  gcode: gcodeReader,
  '3mf': threeMfReader,
}
