import type { FileHandle } from 'node:fs/promises'

const BUFFER_BYTES = 1024 * 1024
/** So often the written part is pushed to the disk meanwhile; else all of it would wait for the end. */
const SYNC_EVERY_BYTES = 16 * 1024 * 1024

/**
 * Writes a file through two buffers in turn: while one is on its way to the disk, the caller fills the other. Memory is
 * two buffers, whatever the chunk sizes.
 */
export class BufferedWriter {
  readonly #buffers = [Buffer.allocUnsafe(BUFFER_BYTES), Buffer.allocUnsafe(BUFFER_BYTES)] as const
  #active: 0 | 1 = 0
  #filled = 0
  #position = 0
  #syncedTo = 0
  #writing: Promise<void> = Promise.resolve()
  #syncing: Promise<void> | null = null

  /** @param beforeWrite is awaited before each write to disk, with the bytes about to be written */
  constructor(
    private readonly handle: FileHandle,
    private readonly beforeWrite: (bytes: number) => Promise<void>,
  ) {}

  /** Bytes taken so far. */
  get sizeBytes(): number {
    return this.#position + this.#filled
  }

  async write(chunk: Buffer): Promise<void> {
    let taken = 0
    while (taken < chunk.length) {
      const copied = chunk.copy(this.#buffers[this.#active], this.#filled, taken)
      taken += copied
      this.#filled += copied
      if (this.#filled === BUFFER_BYTES) await this.#flush()
    }
  }

  /** Hands everything taken so far to the file, where it can be read. */
  async drain(): Promise<void> {
    await this.#flush()
    await this.#writing
  }

  /** Writes the rest and makes everything durable. */
  async finish(): Promise<void> {
    await this.drain()
    await this.#syncing
    await this.handle.sync()
  }

  /** Waits until nothing is on its way any more, whether it worked or not, so that the file may be closed. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#writing, this.#syncing])
  }

  async #flush(): Promise<void> {
    await this.#writing
    const bytes = this.#buffers[this.#active].subarray(0, this.#filled)
    this.#writing = this.#writeAll(bytes, this.#position)
    // It is awaited before the next write or at the end; until then a failure must not count as unhandled.
    this.#writing.catch(() => undefined)
    this.#position += this.#filled
    this.#filled = 0
    this.#active = this.#active === 0 ? 1 : 0
  }

  async #writeAll(bytes: Buffer, position: number): Promise<void> {
    await this.beforeWrite(bytes.length)
    let written = 0
    while (written < bytes.length) {
      const result = await this.handle.write(bytes, written, bytes.length - written, position + written)
      written += result.bytesWritten
    }
    if (position - this.#syncedTo >= SYNC_EVERY_BYTES) this.#startSync(position)
  }

  #startSync(position: number): void {
    if (this.#syncing !== null) return
    this.#syncedTo = position
    const syncing = this.handle.datasync()
    this.#syncing = syncing
    // A failure stays in the field and is thrown at the end; only success makes room for the next round.
    syncing.then(
      () => (this.#syncing = null),
      () => undefined,
    )
  }
}
