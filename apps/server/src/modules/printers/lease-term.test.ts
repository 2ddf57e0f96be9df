import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { systemClock, type Timers } from '../../kernel/index.js'
import { LeaseTerm, momentOf } from './lease-term.js'

describe('the term of a lease', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  const open = (lengthMs = 9_000) => {
    const now = { monotonicMs: 100, wallMs: 1_000_000 }
    const clock: Timers = { ...systemClock, now: () => now.wallMs, monotonicMs: () => now.monotonicMs }
    const read = () => momentOf(clock)
    const pass = async (ms: number) => {
      now.monotonicMs += ms
      now.wallMs += ms
      await vi.advanceTimersByTimeAsync(ms)
    }
    return { now, read, pass, term: new LeaseTerm(read(), lengthMs, clock) }
  }

  it('ends by itself, and not a moment before', async () => {
    const { term, pass } = open()
    await pass(8_999)
    expect(term.signal.aborted).toBe(false)
    await pass(1)
    expect(term.signal.aborted).toBe(true)
  })

  it('counts from before the renewal was sent, however late its answer came', async () => {
    const { term, pass, read } = open()
    await pass(5_000)
    const sent = read()
    await pass(3_000)
    expect(term.extend(sent)).toBe(true)
    await pass(5_999)
    expect(term.isOver).toBe(false)
    await pass(1)
    expect(term.isOver).toBe(true)
  })

  it('is over for who looks, in a process in which no timer could fire', () => {
    const { term, now } = open()
    now.monotonicMs += 60_000
    expect(term.signal.aborted).toBe(false)
    expect(term.isOver).toBe(true)
    expect(term.signal.aborted).toBe(true)
  })

  it('is over after the machine slept, which its monotonic clock does not show', () => {
    const { term, now } = open()
    now.wallMs += 60_000
    expect(term.isOver).toBe(true)
  })

  it('is no longer for a clock that was put back', async () => {
    const { term, now, pass } = open()
    now.wallMs -= 3_600_000
    await pass(9_000)
    expect(term.signal.aborted).toBe(true)
  })

  it('does not come back to life by a renewal that was answered too late', async () => {
    const { term, pass, read } = open()
    await pass(2_000)
    const sent = read()
    await pass(7_000)
    expect(term.extend(sent)).toBe(false)
    expect(term.isOver).toBe(true)
  })
})
