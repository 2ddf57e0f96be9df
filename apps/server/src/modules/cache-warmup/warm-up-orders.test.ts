import { expect, it } from 'vitest'

import type { StoredEvent } from '../../kernel/index.js'
import { ManualClock } from '../../testing/manual-clock.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { WarmUpOrders } from './warm-up-orders.js'

const dropped = (tags: string[], patterns: string[] = []): StoredEvent => ({
  ...{ cursor: '1-1', type: 'cache.invalidated', subjectType: 'cache', subjectId: 'x', actorId: 'system' },
  ...{ payload: { tags, keys: [], patterns }, createdAt: new Date(0), printerGroupId: null, projectId: null },
})

const open = () => {
  const clock = new ManualClock()
  const say: { event: (event: StoredEvent) => void; gap: () => void } = {
    event: () => undefined,
    gap: () => undefined,
  }
  const bus = {
    onEvent: (handler: (event: StoredEvent) => void) => ((say.event = handler), () => undefined),
    onGap: (handler: () => void) => ((say.gap = handler), () => undefined),
  }
  const begun: AbortSignal[] = []
  const warmUp = (signal: AbortSignal) => {
    begun.push(signal)
    return Promise.reject(new Error('a failure stops nothing'))
  }
  const orders = new WarmUpOrders({ bus, warmUp, clock, log: recordingLogger() })
  const after = async (act: () => void) => {
    const before = begun.length
    act()
    await clock.advance(5_000)
    return begun.length - before
  }
  return { orders, say, after, begun }
}

it('one at the start, after a gap, and after what drops much, however much comes at once', async () => {
  const { orders, say, after } = open()
  expect(await after(() => orders.start())).toBe(1)
  expect(await after(() => say.gap())).toBe(1)
  expect(await after(() => say.event(dropped([], ['read *'])))).toBe(1)
  const many = () => {
    for (let n = 0; n < 50; n += 1) say.event(dropped(['printer', 'file']))
  }
  expect(await after(many)).toBe(1)
  await orders.stop()
})

it('none for what drops little', async () => {
  const { orders, say, after } = open()
  await after(() => orders.start())
  expect(await after(() => say.event(dropped(['fil_0199a0b1-0000-7000-8000-000000000000'])))).toBe(0)
  const other = { ...dropped([]), type: 'file.removed', payload: { fileId: 'fil_1' } } as StoredEvent
  expect(await after(() => say.event(other))).toBe(0)
})

it('none once it is stopped, and what runs is told', async () => {
  const { orders, say, after, begun } = open()
  await after(() => orders.start())
  await orders.stop()
  expect(begun[0]?.aborted).toBe(true)
  expect(await after(() => say.gap())).toBe(0)
})
