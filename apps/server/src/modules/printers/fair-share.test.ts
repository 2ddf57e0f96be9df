import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { fairShare } from './fair-share.js'

describe('the fair share of an instance', () => {
  it('is the same for all, rounded up', () => {
    expect(fairShare(3, [2_000, 2_000], 2_000)).toBe(2)
    expect(fairShare(100, [2_000, 2_000, 2_000], 2_000)).toBe(34)
    expect(fairShare(0, [2_000], 2_000)).toBe(0)
  })

  it('is larger where others can drive only a few', () => {
    expect(fairShare(100, [10, 2_000, 2_000], 2_000)).toBe(45)
    expect(fairShare(100, [10, 2_000, 2_000], 10)).toBe(10)
  })

  it('lets all together drive every printer that they can, and nobody more than it can', () => {
    const capacity = fc.integer({ min: 0, max: 50 })
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.array(capacity, { minLength: 1, maxLength: 8 }),
        (printers, all) => {
          const shares = all.map((own) => fairShare(printers, all, own))
          const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)
          expect(sum(shares)).toBeGreaterThanOrEqual(Math.min(printers, sum(all)))
          expect(shares.every((share, at) => share <= (all[at] ?? 0))).toBe(true)
        },
      ),
    )
  })
})
