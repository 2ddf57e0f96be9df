const NEWLINE = 0x0a
const SEMICOLON = 0x3b
const OPEN_PARENTHESIS = 0x28
const CLOSE_PARENTHESIS = 0x29
const DOT = 0x2e
const MINUS = 0x2d
/** Digits that always fit 32 bits. */
export const MAX_EXACT_DIGITS = 9
export const TENTHS = Float64Array.from({ length: MAX_EXACT_DIGITS + 1 }, (_, exponent) => 10 ** -exponent)

/** Beyond this no printer moves (10 km) and no float is exact enough to matter; such a word is dropped. */
export const MAX_MAGNITUDE = 1e7

/** Index of an address letter in the arrays and bit masks of {@link Words}. */
export const LETTER = { D: 3, E: 4, I: 8, J: 9, R: 17, S: 18, T: 19, X: 23, Y: 24, Z: 25 } as const

/** Bit mask of the given address letters. */
export const maskOf = (...letters: (keyof typeof LETTER)[]): number =>
  letters.reduce((mask, letter) => mask | (1 << LETTER[letter]), 0)

/**
 * The words (letter and number) of one g-code command, read straight from bytes: a 200 MB file has some seven million
 * commands, so nothing here allocates.
 */
export class Words {
  /** Value per letter; only valid where `valued` has the letter's bit. */
  readonly values = new Float64Array(26)
  /** Letters that came with a usable number. */
  valued = 0
  /** Letters that came at all, as in `G28 X Y`. */
  named = 0

  /**
   * Reads words from `at` to the end of the command; returns the index of the newline or comment that ends it. One
   * function with local variables, since this loop decides how fast uploads are.
   */
  read(bytes: Uint8Array, at: number): number {
    const { values } = this
    let valued = 0
    let named = 0
    let byte = bytes[at] ?? NEWLINE
    while (byte !== NEWLINE && byte !== SEMICOLON) {
      if (byte < 0x41) {
        at = byte === OPEN_PARENTHESIS ? skipParentheses(bytes, at) : at + 1
        byte = bytes[at] ?? NEWLINE
        continue
      }
      const letter = (byte | 0x20) - 0x61
      byte = bytes[++at] ?? NEWLINE
      const negative = byte === MINUS
      if (negative) byte = bytes[++at] ?? NEWLINE
      const start = at
      let mantissa = 0
      // Kept in 32 bits, which is faster than floating point; longer numbers are read again below.
      for (; byte >= 0x30 && byte <= 0x39; byte = bytes[++at] ?? NEWLINE) mantissa = (mantissa * 10 + (byte - 0x30)) | 0
      let digits = at - start
      let decimals = 0
      if (byte === DOT) {
        const point = at
        byte = bytes[++at] ?? NEWLINE
        for (; byte >= 0x30 && byte <= 0x39; byte = bytes[++at] ?? NEWLINE)
          mantissa = (mantissa * 10 + (byte - 0x30)) | 0
        decimals = at - point - 1
        digits += decimals
      }
      if (letter > 25) continue
      named |= 1 << letter
      if (digits === 0) continue
      const value = digits <= MAX_EXACT_DIGITS ? mantissa * (TENTHS[decimals] ?? 0) : readLongNumber(bytes, start, at)
      if (value >= MAX_MAGNITUDE) continue
      values[letter] = negative ? -value : value
      valued |= 1 << letter
    }
    this.valued = valued
    this.named = named
    return at
  }

  /** Value of a letter, or null if it came without a usable number. */
  get(letter: number): number | null {
    return (this.valued & (1 << letter)) === 0 ? null : (this.values[letter] ?? 0)
  }
}

/** Rare: more digits than 32 bits hold. Digits beyond what a double holds only cost time. */
function readLongNumber(bytes: Uint8Array, start: number, end: number): number {
  let value = 0
  let scale = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? NEWLINE
    if (byte === DOT) scale = 1
    else {
      scale /= 10
      value = scale === 0 ? value * 10 + (byte - 0x30) : value + (byte - 0x30) * scale
    }
  }
  return value
}

function skipParentheses(bytes: Uint8Array, at: number): number {
  for (;;) {
    const byte = bytes[at] ?? NEWLINE
    if (byte === NEWLINE) return at
    at++
    if (byte === CLOSE_PARENTHESIS) return at
  }
}
