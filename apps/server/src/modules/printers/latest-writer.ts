import type { Logger } from '../../kernel/index.js'

/**
 * Writes the latest value of each key: one write per key at a time, only what differs from what was written last, and
 * nothing that was overtaken meanwhile. A value whose write failed is written when it is put again.
 */
export class LatestWriter<T> {
  private readonly written = new Map<string, T>()
  private readonly wanted = new Map<string, T>()
  private readonly writing = new Map<string, Promise<void>>()

  constructor(
    private readonly write: (key: string, value: T) => Promise<void>,
    private readonly log: Logger,
  ) {}

  put(key: string, value: T): void {
    this.wanted.set(key, value)
    if (this.writing.has(key) || this.written.get(key) === value) return
    const run = this.drain(key).finally(() => this.writing.delete(key))
    this.writing.set(key, run)
  }

  /** Writes the next value of this key whatever was written before. */
  forget(key: string): void {
    this.written.delete(key)
    this.wanted.delete(key)
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await Promise.all(this.writing.values())
  }

  private async drain(key: string): Promise<void> {
    for (let value = this.wanted.get(key); value !== undefined; value = this.wanted.get(key)) {
      if (this.written.get(key) === value) return
      try {
        await this.write(key, value)
        this.written.set(key, value)
      } catch (error) {
        this.written.delete(key)
        this.log.error(
          { err: error, key },
          'the latest value could not be stored; it is tried again when it is said again',
        )
        return
      }
    }
  }
}
