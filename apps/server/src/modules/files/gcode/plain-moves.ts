import type { MotionState } from './motion-state.js'
import { MAX_EXACT_DIGITS, MAX_MAGNITUDE, TENTHS } from './words.js'

const NEWLINE = 0x0a
const SPACE = 0x20
const MINUS = 0x2d
const DOT = 0x2e
const ZERO = 0x30
const SEMICOLON = 0x3b
const E = 0x45
const F = 0x46
const G = 0x47
const X = 0x58
const Y = 0x59
const Z = 0x5a

/**
 * Follows lines like `G1 X10.5 Y3 E.02 F900`, which are nearly all of a file, without the detour over `Words`: this
 * loop decides how fast uploads are. A line that has anything else in it is left to the general way.
 */
export class PlainMoves {
  /** Whether a line named an axis or E. */
  anySeen = false
  /** Where {@link #readDigits} ended, and how many of the digits came after the point. */
  #at = 0
  #decimals = 0

  constructor(private readonly state: MotionState) {}

  /** Follows lines from `at`, each ended by a newline before `end`; returns the beginning of the first that it left. */
  follow(bytes: Uint8Array, at: number, end: number): number {
    const { state } = this
    if (!state.absolute || state.unitMm !== 1) return at
    const { absoluteE, offsetX, offsetY, offsetZ, offsetE } = state
    let { x, y, z, e } = state
    // Whether the box holds the nozzle's position already.
    let isCounted = false
    lines: while (at < end && isMove(bytes, at)) {
      let toX = x
      let toY = y
      let toZ = z
      let toE = e
      let axisNamed = false
      let cursor = at + 3
      let byte = bytes[cursor] ?? NEWLINE
      while (byte !== NEWLINE && byte !== SEMICOLON) {
        if (byte <= SPACE) {
          byte = bytes[++cursor] ?? NEWLINE
          continue
        }
        const isNegative = bytes[++cursor] === MINUS
        const mantissa = this.#readDigits(bytes, isNegative ? cursor + 1 : cursor)
        if (mantissa < 0) break lines
        const magnitude = mantissa * (TENTHS[this.#decimals] ?? 0)
        if (magnitude >= MAX_MAGNITUDE) break lines
        const value = isNegative ? -magnitude : magnitude
        if (byte === E) {
          toE = absoluteE ? value + offsetE : e + value
          this.anySeen = true
        } else if (byte !== F) {
          axisNamed = true
          if (byte === X) toX = value + offsetX
          else if (byte === Y) toY = value + offsetY
          else if (byte === Z) toZ = value + offsetZ
          else break lines
        }
        cursor = this.#at
        byte = bytes[cursor] ?? NEWLINE
      }
      while (bytes[cursor] !== NEWLINE) cursor++
      at = cursor + 1
      if (toE > e && axisNamed) {
        if (!isCounted) state.widen(x, y, z)
        state.widen(toX, toY, toZ)
        isCounted = true
      } else if (axisNamed) isCounted = false
      if (axisNamed) this.anySeen = true
      if (toE > state.highestE) state.highestE = toE
      x = toX
      y = toY
      z = toZ
      e = toE
    }
    state.x = x
    state.y = y
    state.z = z
    state.e = e
    return at
  }

  /** The digits at `at`, the point left out, as a whole number; -1 for none or more than 32 bits surely hold. */
  #readDigits(bytes: Uint8Array, at: number): number {
    const start = at
    let mantissa = 0
    let digit = (bytes[at] ?? NEWLINE) - ZERO
    // Below zero is a very large number without sign: one comparison for both ends.
    for (; digit >>> 0 < 10; digit = (bytes[++at] ?? NEWLINE) - ZERO) mantissa = (Math.imul(mantissa, 10) + digit) | 0
    let digits = at - start
    let decimals = 0
    if (digit === DOT - ZERO) {
      const point = at + 1
      digit = (bytes[++at] ?? NEWLINE) - ZERO
      for (; digit >>> 0 < 10; digit = (bytes[++at] ?? NEWLINE) - ZERO) mantissa = (Math.imul(mantissa, 10) + digit) | 0
      decimals = at - point
      digits += decimals
    }
    this.#at = at
    this.#decimals = decimals
    return digits === 0 || digits > MAX_EXACT_DIGITS ? -1 : mantissa
  }
}

/** `G0 …` or `G1 …` */
const isMove = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === G && ((bytes[at + 1] ?? NEWLINE) & 0xfe) === ZERO && bytes[at + 2] === SPACE
