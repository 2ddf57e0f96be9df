const NEWLINE = 0x0a
const SEMICOLON = 0x3b
const OPEN_PARENTHESIS = 0x28
const CLOSE_PARENTHESIS = 0x29
const DOT = 0x2e
const MINUS = 0x2d
const PLUS = 0x2b
const POWERS_OF_TEN = Float64Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)

/** Beyond this no printer moves (10 km) and no float is exact enough to matter; such a word is dropped. */
const MAX_MAGNITUDE = 1e7

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

  /** Reads words from `at` to the end of the command; returns the index of the newline or comment that ends it. */
  read(bytes: Uint8Array, at: number): number {
    this.valued = 0
    this.named = 0
    for (;;) {
      const byte = bytes[at] ?? NEWLINE
      if (byte === NEWLINE || byte === SEMICOLON) return at
      const letter = (byte | 0x20) - 0x61
      at++
      if (letter >= 0 && letter < 26) at = this.#readNumber(bytes, at, letter)
      else if (byte === OPEN_PARENTHESIS) at = skipParentheses(bytes, at)
    }
  }

  /** Value of a letter, or null if it came without a usable number. */
  get(letter: number): number | null {
    return (this.valued & (1 << letter)) === 0 ? null : (this.values[letter] ?? 0)
  }

  #readNumber(bytes: Uint8Array, at: number, letter: number): number {
    let byte = bytes[at] ?? NEWLINE
    const negative = byte === MINUS
    if (negative || byte === PLUS) byte = bytes[++at] ?? NEWLINE
    let mantissa = 0
    let digits = 0
    for (; byte >= 0x30 && byte <= 0x39; byte = bytes[++at] ?? NEWLINE, digits++)
      mantissa = mantissa * 10 + (byte - 0x30)
    let decimals = 0
    if (byte === DOT) {
      byte = bytes[++at] ?? NEWLINE
      for (; byte >= 0x30 && byte <= 0x39; byte = bytes[++at] ?? NEWLINE, digits++) {
        if (decimals === 15) continue
        mantissa = mantissa * 10 + (byte - 0x30)
        decimals++
      }
    }
    this.named |= 1 << letter
    const value = mantissa / (POWERS_OF_TEN[decimals] ?? 1)
    if (digits > 0 && value < MAX_MAGNITUDE) {
      this.values[letter] = negative ? -value : value
      this.valued |= 1 << letter
    }
    return at
  }
}

function skipParentheses(bytes: Uint8Array, at: number): number {
  for (;;) {
    const byte = bytes[at] ?? NEWLINE
    if (byte === NEWLINE) return at
    at++
    if (byte === CLOSE_PARENTHESIS) return at
  }
}
