import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { systemClock } from '../../kernel/index.js'
import { UploadSlots } from './upload-slots.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const NEVER = new AbortController().signal

/** Asks for a place; `got` tells who has one, in the order in which they were given. */
const open = () => {
  const slots = new UploadSlots(systemClock, { atOnce: 2, countedForMs: 20_000 })
  const got: string[] = []
  const leaves = new Map<string, () => void>()
  const enter = async (who: string, signal = NEVER) => {
    const leave = await slots.enter(signal)
    if (leave === null) return
    got.push(who)
    leaves.set(who, leave)
  }
  const settle = () => vi.advanceTimersByTimeAsync(0)
  return { enter, got, leave: (who: string) => leaves.get(who)?.(), settle }
}

describe('uploads', () => {
  it('go on so many at a time, and whoever waits longest comes next', async () => {
    const { enter, got, leave, settle } = open()
    for (const who of ['a', 'b', 'c', 'd']) void enter(who)
    await settle()
    expect(got).toEqual(['a', 'b'])
    leave('b')
    void enter('e') // not before those who were there
    await settle()
    expect(got).toEqual(['a', 'b', 'c'])
    leave('a')
    leave('a') // gives one place back, not two
    await settle()
    expect(got).toEqual(['a', 'b', 'c', 'd'])
  })

  it('that take too long no longer keep others waiting, and give nothing back a second time', async () => {
    const { enter, got, leave, settle } = open()
    for (const who of ['slow', 'slower', 'c', 'd', 'e']) void enter(who)
    await vi.advanceTimersByTimeAsync(19_999)
    expect(got).toEqual(['slow', 'slower'])
    await vi.advanceTimersByTimeAsync(1)
    expect(got).toEqual(['slow', 'slower', 'c', 'd'])
    leave('slow')
    leave('slower')
    await settle()
    expect(got).toEqual(['slow', 'slower', 'c', 'd'])
  })

  it('that nobody wants any more leave the line, and their place to the next', async () => {
    const { enter, got, leave, settle } = open()
    const unwanted = new AbortController()
    for (const who of ['a', 'b']) void enter(who)
    void enter('c', unwanted.signal)
    void enter('d')
    await settle()
    unwanted.abort()
    leave('a')
    await settle()
    expect(got).toEqual(['a', 'b', 'd'])
    await enter('late', AbortSignal.abort())
    leave('b')
    void enter('e')
    await settle()
    expect(got).toEqual(['a', 'b', 'd', 'e'])
  })
})
