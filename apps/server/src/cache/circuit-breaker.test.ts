import { expect, it } from 'vitest'

import { ManualClock } from '../testing/manual-clock.js'
import { CircuitBreaker } from './circuit-breaker.js'

const open = () => {
  const clock = new ManualClock()
  const states: string[] = []
  const other = { good: false, probes: 0 }
  const breaker = new CircuitBreaker({
    clock,
    probe: () => {
      other.probes += 1
      return Promise.resolve(other.good)
    },
    onChange: (state) => states.push(state),
  })
  const record = (...calls: boolean[]) => calls.forEach((good) => breaker.record(good))
  return { clock, breaker, states, other, record }
}

it('opens after three bad calls', () => {
  const { breaker, record } = open()
  record(false, false)
  expect(breaker.state).toBe('closed')
  record(false)
  expect(breaker.state).toBe('open')
})

it('stays closed while most calls are good', () => {
  const { breaker, record } = open()
  for (let n = 0; n < 100; n += 1) record(true, true, false)
  expect(breaker.state).toBe('closed')
})

it('forgets bad calls after a second', async () => {
  const { breaker, record, clock } = open()
  for (let n = 0; n < 10; n += 1) {
    record(false, false)
    await clock.advance(1_001)
  }
  expect(breaker.state).toBe('closed')
})

it('probes after a pause that grows up to two seconds, and closes on a good probe', async () => {
  const { breaker, record, clock, other, states } = open()
  record(false, false, false)
  await clock.advance(499)
  expect(other.probes).toBe(0)
  await clock.advance(1)
  expect([other.probes, breaker.state]).toEqual([1, 'open'])
  await clock.advance(1_000 + 2_000 + 2_000)
  expect(other.probes).toBe(4)
  other.good = true
  await clock.advance(2_000)
  expect(breaker.state).toBe('closed')
  expect(states.slice(0, 4)).toEqual(['open', 'half-open', 'open', 'half-open'])
  record(false, false)
  expect(breaker.state).toBe('closed')
  record(false)
  await clock.advance(500)
  expect(other.probes).toBe(6)
})

it('does nothing more once it is stopped', async () => {
  const { breaker, record, clock, other } = open()
  record(false, false, false)
  breaker.stop()
  await clock.advance(60_000)
  expect(other.probes).toBe(0)
})
