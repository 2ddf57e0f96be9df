import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { HOSTILE } from '../../../testing/hostile-input.js'
import {
  cleanText,
  parseCoordinate,
  parseDurationSeconds,
  parseNumber,
  parseNumberList,
  parseTextList,
} from './values.js'

/** Pieces that make patterns go back and forth, over and over. */
const piece = fc.constantFrom('"', '\\', ';', ',', '1', '0', '.', 'd', 'h', 'm', 's', ' ', '+', '-', '\t', 'é', '\0')
const text = fc.oneof(
  fc.array(piece, { maxLength: 4_096 }).map((pieces) => pieces.join('')),
  fc.tuple(piece, fc.nat(4_096), piece).map(([one, times, last]) => one.repeat(times) + last),
  fc.string({ unit: 'binary', maxLength: 500 }),
)

const isMeasure = (value: number | null) => value === null || (value >= 0 && value <= 1e9)

describe('a value in a comment', () => {
  it('is a sensible number or none, whatever it says', () => {
    const check = fc.property(text, (said) => {
      expect([parseNumber(said), parseDurationSeconds(said), ...parseNumberList(said)].every(isMeasure)).toBe(true)
      expect(Math.abs(parseCoordinate(said) ?? 0)).toBeLessThan(100_000)
      expect(parseNumberList(said).length).toBeLessThanOrEqual(64)
    })
    fc.assert(check, HOSTILE)
  })

  it('is a short text without control characters or none, whatever it says', () => {
    const check = fc.property(text, (said) => {
      const found = [cleanText(said), ...parseTextList(said)]
      expect(found.length).toBeLessThanOrEqual(65)
      for (const one of found) expect(one ?? 'none').toMatch(/^\P{Cc}{1,400}$/u)
    })
    fc.assert(check, HOSTILE)
  })
})
