import { describe, expect, it } from 'vitest'

import { callerKeyOf } from './rate-limit.js'
import { SlidingWindowLimiter } from './sliding-window-limiter.js'

const setUp = (limit: number) => {
  let now = 0
  const limiter = new SlidingWindowLimiter(limit, { now: () => now })
  return { limiter, at: (seconds: number) => (now = seconds * 1_000) }
}

describe('the sliding window', () => {
  it('lets as many pass as allowed, per key', () => {
    const { limiter } = setUp(2)
    expect([limiter.take('a', 1), limiter.take('a', 1), limiter.take('a', 1)].map((v) => v.allowed)).toEqual([
      true,
      true,
      false,
    ])
    expect(limiter.take('b', 1).allowed).toBe(true)
  })

  it('has no gap at the turn of the minute through which twice as many would pass', () => {
    const { limiter, at } = setUp(60)
    at(59)
    expect(limiter.take('a', 60).allowed).toBe(true)
    at(61)
    expect(limiter.take('a', 30).allowed).toBe(false)
    at(90)
    expect(limiter.take('a', 30).allowed).toBe(true)
  })

  it('does not count what it refused', () => {
    const { limiter } = setUp(10)
    expect(limiter.take('a', 11).allowed).toBe(false)
    expect(limiter.take('a', 10)).toMatchObject({ allowed: true, remaining: 0 })
  })
})

describe('a caller without a login', () => {
  it('is its address, and in IPv6 its network', () => {
    expect(callerKeyOf({ actor: null, address: '10.0.0.7' })).toBe('address:10.0.0.7')
    const [one, other] = ['2001:db8:1:2:aaaa::1', '2001:db8:1:2:bbbb:0:0:9'].map((address) =>
      callerKeyOf({ actor: null, address }),
    )
    expect(one).toBe(other)
    expect(callerKeyOf({ actor: null, address: '::ffff:10.0.0.7' })).not.toBe(
      callerKeyOf({ actor: null, address: '::ffff:10.0.0.8' }),
    )
  })
})
