import { Transform, type TransformCallback } from 'node:stream'

import { GantryError } from '../../kernel/errors.js'

export interface UploadLimits {
  maxBytes: number
  /** Nothing received for so long while somebody reads: given up. */
  stallMs: number
}

/** Counts what passes, and gives up when it is too much, or when nothing comes although the reader waits. */
export class UploadSource extends Transform {
  private bytes = 0
  private readonly timer: NodeJS.Timeout
  private lastProgress = performance.now()

  /** @param whole settles when the request around the file has come to its end; rejects when it is malformed */
  constructor(
    private readonly limits: UploadLimits,
    private readonly whole: Promise<void>,
  ) {
    super()
    this.timer = setInterval(() => this.checkProgress(), Math.max(10, limits.stallMs / 4))
    // It may fail before anybody reads it, as when a second file follows in one packet; unheard, that would end the
    // process. Whoever reads is told all the same.
    this.on('error', () => undefined)
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.lastProgress = performance.now()
    this.bytes += chunk.length
    if (this.bytes > this.limits.maxBytes) done(fileTooLarge(this.limits.maxBytes))
    else done(null, chunk)
  }

  override _flush(done: TransformCallback): void {
    this.whole.then(
      () => done(),
      (error: unknown) => done(error as Error),
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.timer)
    done(error)
  }

  private checkProgress(): void {
    // A full buffer means that our own side is slow.
    if (this.readableLength >= this.readableHighWaterMark) this.lastProgress = performance.now()
    else if (performance.now() - this.lastProgress > this.limits.stallMs) this.destroy(truncated('stalled'))
  }
}

export const fileTooLarge = (limitBytes: number) => new GantryError('FILE_TOO_LARGE', { params: { limitBytes } })

export const truncated = (reason: string, cause?: unknown) =>
  new GantryError('UPLOAD_TRUNCATED', { params: { reason }, cause })
