import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/**
 * The bytes of one print file. Reads are synchronous and small, so that executing a print is deterministic;
 * an open file stays readable when its name is unlinked, as on a real host.
 */
export interface GcodeSource {
  readonly sizeBytes: number
  /** Fills `target` from `position`; returns the bytes read, 0 at the end. */
  readAt(position: number, target: Uint8Array): number
  close(): void
}

/** A print file held in memory. */
export function memorySource(content: string | Uint8Array): GcodeSource {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return {
    sizeBytes: bytes.byteLength,
    readAt(position, target) {
      const part = bytes.subarray(position, position + target.byteLength)
      target.set(part)
      return part.byteLength
    },
    close: () => undefined,
  }
}

/** A print file on disk. @throws the file system's error when it cannot be opened */
export function fileSource(path: string): GcodeSource {
  const descriptor = openSync(path, 'r')
  let open = true
  return {
    sizeBytes: fstatSync(descriptor).size,
    readAt: (position, target) => readSync(descriptor, target, 0, target.byteLength, position),
    close() {
      if (open) closeSync(descriptor)
      open = false
    },
  }
}
