import { describe, expect, it } from 'vitest'

import { callerKeyOf } from './rate-limit.js'
import { SlidingWindowLimiter } from './sliding-window-limiter.js'

const setUp = (limit: number) => {
  let now = 0
  const limiter = new SlidingWindowLimiter(limit, { now: () => now })
  return {
    take: async (key: string, cost: number) => limiter.take(key, cost),
    at: (seconds: number) => (now = seconds * 1_000),
  }
}

describe('the sliding window', () => {
  it('lets as many pass as allowed, per key', async () => {
    const { take } = setUp(2)
    const verdicts = [await take('a', 1), await take('a', 1), await take('a', 1)]
    expect(verdicts.map(({ allowed }) => allowed)).toEqual([true, true, false])
    expect((await take('b', 1)).allowed).toBe(true)
  })

  it('has no gap at the turn of the minute through which twice as many would pass', async () => {
    const { take, at } = setUp(60)
    at(59)
    expect((await take('a', 60)).allowed).toBe(true)
    at(61)
    expect((await take('a', 30)).allowed).toBe(false)
    at(90)
    expect((await take('a', 30)).allowed).toBe(true)
  })

  it('does not count what it refused', async () => {
    const { take } = setUp(10)
    expect((await take('a', 11)).allowed).toBe(false)
    expect(await take('a', 10)).toMatchObject({ allowed: true, remaining: 0 })
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
