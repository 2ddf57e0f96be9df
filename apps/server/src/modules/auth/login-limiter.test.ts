import { describe, expect, it } from 'vitest'

import { networkOf, type SlidingCounts } from '../../kernel/index.js'
import { LoginLimiter } from './login-limiter.js'

const open = (shared: SlidingCounts | null = null) => {
  let now = 1_000_000_000
  const limiter = new LoginLimiter({ now: () => now }, shared)
  return { limiter, pass: (minutes: number) => (now += minutes * 60_000) }
}

const ADA = 'ada@example.org'

/** How many tries pass in a row before one is refused. */
const passing = async (next: (n: number) => Promise<void>): Promise<number> => {
  for (let n = 0; n < 200; n += 1) {
    const isRefused = await next(n).then(
      () => false,
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'RATE_LIMITED' })
        return true
      },
    )
    if (isRefused) return n
  }
  return Infinity
}

describe('failed logins that a process counts alone', () => {
  it('are limited by pair, by address and by account', async () => {
    const one = open().limiter
    expect(await passing(() => one.begin(ADA, '192.0.2.1'))).toBe(5)
    // The account is open elsewhere, and the address for others.
    await one.begin(ADA, '192.0.2.2')
    await one.begin('bob@example.org', '192.0.2.1')
    const two = open().limiter
    expect(await passing((n) => two.begin(`user-${n}@example.org`, '192.0.2.1'))).toBe(25)
    const three = open().limiter
    expect(await passing((n) => three.begin(ADA, `192.0.2.${n}`))).toBe(50)
  })

  it('count within the last 15 minutes, whenever those began, and say when there is room', async () => {
    const { limiter, pass } = open()
    for (let n = 0; n < 5; n += 1) {
      await limiter.begin(ADA, '192.0.2.1')
      pass(2)
    }
    await expect(limiter.begin(ADA, '192.0.2.1')).rejects.toMatchObject({ retryAfterSeconds: 300 })
    pass(5)
    await limiter.begin(ADA, '192.0.2.1')
    // The second of the five is two minutes younger than the first.
    await expect(limiter.begin(ADA, '192.0.2.1')).rejects.toMatchObject({ retryAfterSeconds: 120 })
  })

  it('are forgotten for the pair by the right password, which takes its own try from the others', async () => {
    const { limiter } = open()
    for (let n = 0; n < 4; n += 1) await limiter.begin(ADA, '192.0.2.1')
    await limiter.begin(ADA, '192.0.2.1')
    await limiter.succeeded(ADA, '192.0.2.1')
    expect(await passing(() => limiter.begin(ADA, '192.0.2.1'))).toBe(5)
    expect(await passing((n) => limiter.begin(`user-${n}@example.org`, '192.0.2.1'))).toBe(25 - 4 - 5)
  })

  it('are the same for a /64 of IPv6, and for IPv4 however it is written', async () => {
    const { limiter } = open()
    expect(await passing((n) => limiter.begin(ADA, `2001:db8:0:7::${n.toString(16)}`))).toBe(5)
    await limiter.begin(ADA, '2001:db8:0:8::1')
    for (let n = 0; n < 5; n += 1) await limiter.begin(ADA, n % 2 === 0 ? '192.0.2.1' : '::ffff:192.0.2.1')
    await expect(limiter.begin(ADA, '::ffff:192.0.2.1')).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    await limiter.begin(ADA, '::ffff:192.0.2.2')
  })
})

describe('while the shared counts are away', () => {
  it('a process goes on with what it has seen, by the stricter limits', async () => {
    let answer: number | null = 0
    const shared: SlidingCounts = { take: () => Promise.resolve(answer), giveBack: () => Promise.resolve() }
    const { limiter } = open(shared)
    for (let n = 0; n < 8; n += 1) await limiter.begin(ADA, '192.0.2.1')
    answer = null
    await expect(limiter.begin(ADA, '192.0.2.1')).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(await passing(() => limiter.begin('bob@example.org', '192.0.2.2'))).toBe(5)
    answer = 0
    await limiter.begin(ADA, '192.0.2.1')
  })
})

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['0:0:0:0:0:FFFF:192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0DB8:0000:0000:ffff:1:2:3', '2001:db8:0:0::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['unknown', 'unknown'],
  ['', ''],
])('the address %j stands for %j', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
