import { RandomAccessReader } from 'yauzl'

/** The bytes of an archive, wherever they lie. */
export interface ArchiveSource {
  readonly sizeBytes: number
  /** @returns fewer bytes than asked for where the archive ends before */
  read(at: number, length: number): Promise<Buffer>
}

/** The same as the ZIP library asks for it. */
export class ArchiveReader extends RandomAccessReader {
  /** What failed while bytes were read, which is no fault of the archive. */
  failure: unknown = null

  constructor(private readonly source: ArchiveSource) {
    super()
    // The library tells errors by its callbacks as well; without a listener this would end the process.
    this.on('error', () => undefined)
  }

  override read(
    into: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.source
      .read(position, length)
      .catch((error: unknown) => {
        this.failure ??= error
        throw error
      })
      .then((bytes) => {
        bytes.copy(into, offset)
        callback(bytes.length < length ? new Error('the archive ends before') : null)
      })
      .catch((error: unknown) => callback(error instanceof Error ? error : new Error(String(error))))
  }
}
