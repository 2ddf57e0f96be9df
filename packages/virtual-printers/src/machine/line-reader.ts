import type { GcodeSource } from './gcode-source.js'

const CHUNK_BYTES = 16 * 1024
const NEWLINE = 10

/** Reads a file line by line through one small buffer; a line longer than the buffer is cut, its rest is skipped. */
export class LineReader {
  /** Bytes of the file that were handed out, line ends included. */
  position = 0
  readonly #buffer = Buffer.allocUnsafe(CHUNK_BYTES)
  #from = 0
  #end = 0

  constructor(private readonly source: GcodeSource) {}

  /** The next line without its end, or null at the end of the file. */
  next(): string | null {
    let newline = this.#indexOfNewline()
    if (newline < 0) {
      this.#refill()
      newline = this.#indexOfNewline()
    }
    if (this.#from === this.#end) return null
    if (newline < 0) return this.#lastOrCut()
    const line = this.#buffer.toString('latin1', this.#from, newline)
    this.#advanceTo(newline + 1)
    return line
  }

  #indexOfNewline(): number {
    const index = this.#buffer.indexOf(NEWLINE, this.#from)
    return index >= 0 && index < this.#end ? index : -1
  }

  #refill(): void {
    this.#buffer.copyWithin(0, this.#from, this.#end)
    this.#end -= this.#from
    this.#from = 0
    this.#end += this.source.readAt(this.position + this.#end, this.#buffer.subarray(this.#end))
  }

  /** No line end in a full buffer, or the file's last line. */
  #lastOrCut(): string {
    const line = this.#buffer.toString('latin1', this.#from, this.#end)
    const cut = this.#end - this.#from === CHUNK_BYTES
    this.#advanceTo(this.#end)
    if (cut) this.#skipLine()
    return line
  }

  #skipLine(): void {
    for (;;) {
      this.#refill()
      if (this.#from === this.#end) return
      const newline = this.#indexOfNewline()
      this.#advanceTo(newline < 0 ? this.#end : newline + 1)
      if (newline >= 0) return
    }
  }

  #advanceTo(index: number): void {
    this.position += index - this.#from
    this.#from = index
  }
}
