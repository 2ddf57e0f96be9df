import { GcodeScanner, type GcodeScan } from './gcode-scanner.js'
import type { ScanReport, ThreadOrder } from './scan-messages.js'
import { isTextByte, SNIFFED_BYTES } from './text-sniffer.js'

/** A file that fits into one buffer is read at once where it is: that takes about a millisecond. */
const BUFFER_BYTES = 512 * 1024
/** One is filled while the others are on their way or being read. */
const MAX_BUFFERS = 4

/** The way to the thread. */
export interface ThreadLine {
  /** Comes before the first order. */
  join(scan: ThreadScan): void
  order(order: ThreadOrder): void
  /** Comes after the last order. */
  leave(): void
}

/** The scan of one file: gathers its bytes into large buffers and hands these to the thread, a few at a time. */
export class ThreadScan {
  #active: ArrayBuffer | null = null
  #filled = 0
  #bytesSeen = 0
  #isBinary = false
  readonly #free: ArrayBuffer[] = []
  #made = 0
  #hasJoined = false
  #hasEnded = false
  #failure: Error | null = null
  #result: GcodeScan | null = null
  /** Wakes whoever waits for a report. */
  #wake: () => void = () => undefined

  constructor(private readonly line: ThreadLine) {}

  /** Set as soon as the file cannot be g-code any more, so that an upload may stop early. */
  get refused(): 'binary' | null {
    return this.#isBinary ? 'binary' : null
  }

  /** Takes the next bytes; does not keep `chunk`. Await it before the next call. @throws when the thread failed */
  async push(chunk: Buffer): Promise<void> {
    const unseen = Math.max(0, SNIFFED_BYTES - this.#bytesSeen)
    this.#isBinary ||= unseen > 0 && !chunk.subarray(0, unseen).every(isTextByte)
    this.#bytesSeen += chunk.length
    let taken = 0
    while (taken < chunk.length && !this.#isBinary) {
      if (this.#filled === BUFFER_BYTES) this.#hand()
      this.#active ??= await this.#emptyBuffer()
      const copied = chunk.copy(Buffer.from(this.#active), this.#filled, taken)
      taken += copied
      this.#filled += copied
    }
  }

  /** Ends the file. @throws when the thread failed */
  async finish(): Promise<GcodeScan> {
    if (!this.#hasJoined || this.#isBinary) return this.#finishHere()
    this.#hand()
    this.#order({ kind: 'finish' })
    while (this.#result === null) await this.#report()
    this.#end()
    return this.#result
  }

  /** Gives the scan up. Harmless after `finish`, and called twice. */
  abandon(): void {
    if (this.#hasJoined && !this.#hasEnded) this.line.order({ kind: 'drop' })
    this.#end()
  }

  /** Takes what the thread told. */
  hear(report: ScanReport): void {
    if (report.kind === 'read') this.#free.push(report.bytes)
    else if (report.kind === 'finished') this.#result = withBuffer(report.result)
    else this.#failure = new Error('The g-code could not be read.', { cause: report.error })
    this.#wake()
  }

  /** Tells that the thread is no more. */
  fail(error: Error): void {
    this.#failure = error
    this.#wake()
  }

  #finishHere(): GcodeScan {
    const scanner = new GcodeScanner()
    if (this.#active !== null) scanner.push(Buffer.from(this.#active, 0, this.#filled))
    return this.#isBinary ? { isGcode: false, reason: 'binary' } : scanner.finish()
  }

  #hand(): void {
    if (this.#active === null) return
    this.#order({ kind: 'bytes', bytes: this.#active, length: this.#filled })
    this.#active = null
    this.#filled = 0
  }

  #order(order: ThreadOrder): void {
    if (this.#failure !== null) throw this.#failure
    if (!this.#hasJoined) this.line.join(this)
    this.#hasJoined = true
    this.line.order(order)
  }

  async #emptyBuffer(): Promise<ArrayBuffer> {
    for (;;) {
      const free = this.#free.pop()
      if (free !== undefined) return free
      if (this.#made < MAX_BUFFERS) {
        this.#made++
        return new ArrayBuffer(BUFFER_BYTES)
      }
      await this.#report()
    }
  }

  async #report(): Promise<void> {
    if (this.#failure === null) await new Promise<void>((resolve) => (this.#wake = resolve))
    if (this.#failure !== null) throw this.#failure
  }

  #end(): void {
    if (this.#hasJoined && !this.#hasEnded) this.line.leave()
    this.#hasEnded = true
  }
}

/** What came from another thread is a plain byte array. */
const withBuffer = (scan: GcodeScan): GcodeScan => {
  if (!scan.isGcode || scan.thumbnail === null) return scan
  const { buffer, byteOffset, byteLength } = scan.thumbnail.bytes
  return { ...scan, thumbnail: { ...scan.thumbnail, bytes: Buffer.from(buffer, byteOffset, byteLength) } }
}
