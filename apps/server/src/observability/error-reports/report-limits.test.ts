import { describe, expect, it } from 'vitest'

import { ManualClock } from '../../testing/manual-clock.js'
import { ReportLimits } from './report-limits.js'

const setUp = () => {
  const clock = new ManualClock()
  return { clock, limits: new ReportLimits(clock) }
}

describe('reports', () => {
  it('of one kind come once a minute, with how many were left out', async () => {
    const { clock, limits } = setUp()
    expect([1, 2, 3].map(() => limits.admit('a'))).toEqual([0, null, null])
    await clock.advance(60_000)
    expect(limits.admit('a')).toBe(2)
    await clock.advance(60_000)
    expect(limits.admit('a')).toBe(0)
  })

  it('of many kinds are at most twenty a minute; those left out are counted when their turn comes', async () => {
    const { clock, limits } = setUp()
    const admitted = () => Array.from({ length: 1_000 }, (_, n) => limits.admit(`kind ${n}`)).filter((n) => n !== null)
    expect(admitted()).toHaveLength(20)
    expect(limits.admit('kind 999')).toBeNull()
    await clock.advance(60_000)
    expect(limits.admit('kind 999')).toBe(2)
    expect(admitted()).toHaveLength(19)
  })
})
