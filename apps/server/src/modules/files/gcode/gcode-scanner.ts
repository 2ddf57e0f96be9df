import type { PrintFileMetadata } from '@gantry/schemas'
import { CommentReader } from './comment-reader.js'
import { buildMetadata } from './metadata-builder.js'
import { MotionTracker } from './motion-tracker.js'
import { PlainMoves } from './plain-moves.js'
import { TemperatureTracker } from './temperature-tracker.js'
import { isTextByte, SNIFFED_BYTES } from './text-sniffer.js'
import type { ExtractedThumbnail } from './thumbnail-collector.js'
import { LETTER, maskOf, Words } from './words.js'

/** Why a file is no g-code. */
export type NotGcodeReason = 'binary' | 'empty' | 'no_commands'

export type GcodeScan =
  | { isGcode: true; metadata: PrintFileMetadata; thumbnail: ExtractedThumbnail | null }
  | { isGcode: false; reason: NotGcodeReason }

const NEWLINE = 0x0a
const SEMICOLON = 0x3b
/** Longest part of a line that is looked at; slicers write whole start scripts into one comment. */
const MAX_LINE_BYTES = 64 * 1024
/** A move that names no axis proves nothing: text may well have a line that starts with `G1`. */
const MOVE_WORDS = maskOf('X', 'Y', 'Z', 'E')
/** Commands besides moves that only g-code has: homing, modes, temperatures, fans, motors, progress. */
const KNOWN_G = new Set([20, 21, 28, 29, 90, 91, 92])
const KNOWN_M = new Set([73, 82, 83, 84, 104, 106, 107, 109, 140, 190, 201, 203, 204, 205, 220, 221])

/**
 * Reads a g-code file as its bytes pass by, in one pass and with memory that the file's content cannot grow (some MB
 * for thumbnails at worst). It never throws: whatever it cannot read is passed over.
 */
export class GcodeScanner {
  readonly #words = new Words()
  readonly #motion = new MotionTracker()
  readonly #plainMoves = new PlainMoves(this.#motion.state)
  readonly #nozzle = new TemperatureTracker()
  readonly #bed = new TemperatureTracker()
  readonly #comments = new CommentReader()
  /** The line that a chunk's end cut in two. */
  readonly #carry = Buffer.alloc(MAX_LINE_BYTES + 1)
  #carried = 0
  #overlong = false
  #bytesSeen = 0
  #commandSeen = false
  #remainingMinutes: number | null = null
  #refused: NotGcodeReason | null = null

  /** Set as soon as the file cannot be g-code any more, so that an upload may stop early. */
  get refused(): NotGcodeReason | null {
    return this.#refused
  }

  /** Takes the next bytes of the file; does not keep `chunk`. */
  push(chunk: Buffer): void {
    if (this.#refused !== null || chunk.length === 0) return
    if (this.#bytesSeen < SNIFFED_BYTES && !this.#sniff(chunk)) return
    this.#bytesSeen += chunk.length
    let from = 0
    if (this.#carried > 0 || this.#overlong) {
      const newline = chunk.indexOf(NEWLINE)
      this.#keepRest(newline < 0 ? chunk : chunk.subarray(0, newline))
      if (newline < 0) return
      this.#scanCarried()
      from = newline + 1
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1
    if (end > from) this.#scanLines(chunk, from, end)
    this.#keepRest(chunk.subarray(Math.max(from, end)))
  }

  /** Ends the file. */
  finish(): GcodeScan {
    if (this.#carried > 0) this.#scanCarried()
    if (this.#bytesSeen === 0) this.#refused ??= 'empty'
    if (!this.#commandSeen && !this.#plainMoves.anySeen) this.#refused ??= 'no_commands'
    if (this.#refused !== null) return { isGcode: false, reason: this.#refused }
    const metadata = buildMetadata({
      comments: this.#comments,
      motion: this.#motion,
      nozzle: this.#nozzle,
      bed: this.#bed,
      remainingMinutes: this.#remainingMinutes,
    })
    return { isGcode: true, metadata, thumbnail: this.#comments.thumbnails.largest }
  }

  #sniff(chunk: Buffer): boolean {
    const isText = chunk.subarray(0, SNIFFED_BYTES - this.#bytesSeen).every(isTextByte)
    if (!isText) this.#refused = 'binary'
    return isText
  }

  #keepRest(rest: Buffer): void {
    const room = MAX_LINE_BYTES - this.#carried
    if (rest.length > room) this.#overlong = true
    this.#carried += rest.copy(this.#carry, this.#carried, 0, Math.min(rest.length, room))
  }

  #scanCarried(): void {
    const length = this.#carried
    this.#carry[length] = NEWLINE
    // A number cut in two is a wrong number; a comment cut short still has its key.
    if (!this.#overlong || this.#carry[0] === SEMICOLON) this.#scanLines(this.#carry, 0, length + 1)
    this.#carried = 0
    this.#overlong = false
  }

  /** Scans whole lines; the last byte before `end` is a newline. */
  #scanLines(bytes: Buffer, at: number, end: number): void {
    while (at < end) {
      const byte = bytes[at] ?? NEWLINE
      // Blanks, and a byte order mark.
      if (byte <= 0x20 || byte >= 0x80) {
        at++
        continue
      }
      if (byte === SEMICOLON) {
        const newline = bytes.indexOf(NEWLINE, at)
        this.#comments.read(bytes, at + 1, newline)
        at = newline + 1
        continue
      }
      const followed = this.#plainMoves.follow(bytes, at, end)
      if (followed > at) {
        at = followed
        continue
      }
      at = this.#scanCommand(bytes, at, byte | 0x20)
      while (at < end && bytes[at] !== NEWLINE) at++
    }
  }

  #scanCommand(bytes: Buffer, at: number, letter: number): number {
    if (letter !== 0x67 && letter !== 0x6d && letter !== 0x74 && letter !== 0x6e) return at + 1
    let code = 0
    let digit = (bytes[++at] ?? NEWLINE) - 0x30
    const firstDigit = at
    for (; digit >= 0 && digit <= 9 && code < 10_000; digit = (bytes[++at] ?? NEWLINE) - 0x30) code = code * 10 + digit
    if (at === firstDigit) return at
    if (letter === 0x67) return this.#scanG(bytes, at, code)
    if (letter === 0x6d) return this.#scanM(bytes, at, code)
    if (letter === 0x74) this.#motion.selectTool(code)
    else return this.#scanNumbered(bytes, at)
    return at
  }

  /** `N123 G1 …*71`: the line number that hosts add; the command follows. */
  #scanNumbered(bytes: Buffer, at: number): number {
    while (bytes[at] === 0x20) at++
    const letter = (bytes[at] ?? NEWLINE) | 0x20
    return letter === 0x6e ? at : this.#scanCommand(bytes, at, letter)
  }

  #scanG(bytes: Buffer, at: number, code: number): number {
    // `G92.1` and the like are other commands than `G92`.
    if (bytes[at] === 0x2e) return at
    if (code > 3 && !KNOWN_G.has(code)) return at
    at = this.#words.read(bytes, at)
    if (code <= 3) {
      if ((this.#words.valued & MOVE_WORDS) !== 0) this.#commandSeen = true
      if (code <= 1) this.#motion.moveLinear(this.#words)
      else this.#motion.moveArc(this.#words, code === 2)
      return at
    }
    this.#commandSeen = true
    if (code === 28) this.#motion.home(this.#words)
    else if (code === 92) this.#motion.setPosition(this.#words)
    else if (code === 90 || code === 91) this.#motion.setAbsolute(code === 90)
    else if (code === 20 || code === 21) this.#motion.setInches(code === 20)
    return at
  }

  #scanM(bytes: Buffer, at: number, code: number): number {
    if (code === 200) {
      at = this.#words.read(bytes, at)
      this.#motion.setVolumetric(this.#words.get(LETTER.D) ?? 0)
      return at
    }
    if (!KNOWN_M.has(code)) return at
    this.#commandSeen = true
    at = this.#words.read(bytes, at)
    if (code === 82 || code === 83) this.#motion.setAbsoluteExtrusion(code === 82)
    else if (code === 104 || code === 109) this.#heat(this.#nozzle, this.#words.get(LETTER.T) ?? this.#motion.tool)
    else if (code === 140 || code === 190) this.#heat(this.#bed, 0)
    else if (code === 73) this.#remainingMinutes ??= this.#words.get(LETTER.R)
    return at
  }

  #heat(tracker: TemperatureTracker, slot: number): void {
    const celsius = this.#words.get(LETTER.S) ?? this.#words.get(LETTER.R)
    if (celsius !== null) tracker.set(slot, celsius, this.#comments.layersBegun)
  }
}
