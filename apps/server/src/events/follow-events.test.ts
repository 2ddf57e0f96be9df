import { describe, expect, it } from 'vitest'

import { createEventLog } from '../db/event-log.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import type { EventBatch, EventBus, EventLog, SnapshotDue, StoredEvent } from '../kernel/events.js'
import { openTestDatabase } from '../testing/open-database.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { followEvents } from './follow-events.js'
import { createPostgresBus } from './postgres-bus.js'

const fileEvent = (n: number): StoredEvent => ({
  cursor: `${n}-0`,
  type: 'file.removed',
  subjectType: 'file',
  subjectId: `${n}`,
  payload: { fileId: `${n}` },
  actorId: null,
  createdAt: new Date(0),
  printerGroupId: null,
  projectId: null,
})

/** A log and a bus in memory whose delays the test decides: `store` makes an event readable, `deliver` brings it. */
const twin = () => {
  const stored: StoredEvent[] = []
  const handlers = new Set<(event: StoredEvent) => void>()
  const gaps = new Set<() => void>()
  let reads = 0
  let removedBelow = 0
  const log: EventLog = {
    head: () => Promise.resolve(`${stored.length}-0`),
    readAfter: (cursor, limit): Promise<EventBatch | 'resync'> => {
      reads += 1
      const after = Number.parseInt(cursor)
      if (Number.isNaN(after) || after < removedBelow) return Promise.resolve('resync')
      const events = stored.slice(after, after + limit)
      return Promise.resolve({ events, next: events.at(-1)?.cursor ?? `${stored.length}-0`, more: false })
    },
  }
  const subscribe = <T>(set: Set<T>, handler: T) => {
    set.add(handler)
    return () => void set.delete(handler)
  }
  const bus: Pick<EventBus, 'onEvent' | 'onGap'> = {
    onEvent: (handler) => subscribe(handlers, handler),
    onGap: (handler) => subscribe(gaps, handler),
  }
  const store = (count = 1) => {
    const events = Array.from({ length: count }, (_, n) => fileEvent(stored.length + n + 1))
    stored.push(...events)
    return events
  }
  const deliver = (events: StoredEvent[]) => {
    for (const event of events) for (const handler of handlers) handler(event)
  }
  return {
    log,
    bus,
    store,
    deliver,
    happen: (count = 1) => deliver(store(count)),
    gap: () => gaps.forEach((handler) => handler()),
    removeBelow: (n: number) => (removedBelow = n),
    subscribers: () => handlers.size + gaps.size,
    reads: () => reads,
  }
}

const reader = (items: AsyncGenerator<StoredEvent | SnapshotDue>) => ({
  take: async (count: number) => {
    const ids: string[] = []
    while (ids.length < count) {
      const step = await items.next()
      if (step.done === true) throw new Error('the stream ended')
      const { value } = step
      ids.push(value.type === 'snapshot' ? `snapshot ${value.cursor} ${value.resync}` : value.subjectId)
    }
    return ids
  },
})

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `${from + n}`)

describe('following events', () => {
  it('begins with a snapshot, and resumes after a cursor without one', async () => {
    const { log, bus, store, happen } = twin()
    store(3)
    const fresh = reader(followEvents(bus, log, null, new AbortController().signal))
    expect(await fresh.take(1)).toEqual(['snapshot 3-0 false'])
    happen()
    expect(await fresh.take(1)).toEqual(['4'])
    const resumed = reader(followEvents(bus, log, '2-0', new AbortController().signal))
    expect(await resumed.take(2)).toEqual(['3', '4'])
  })

  it('asks the log no more once it is in step with the bus', async () => {
    const { log, bus, happen, reads } = twin()
    const { take } = reader(followEvents(bus, log, '0-0', new AbortController().signal))
    const first = take(1)
    happen()
    expect(await first).toEqual(['1'])
    happen()
    expect(await take(1)).toEqual(['2'])
    const before = reads()
    for (let n = 3; n <= 50; n += 1) {
      const next = take(1)
      happen()
      expect(await next).toEqual([`${n}`])
    }
    expect(reads()).toBe(before)
  })

  it('doubles nothing when the bus brings late what the log has shown', async () => {
    const { log, bus, store, deliver } = twin()
    const late = store(4)
    const { take } = reader(followEvents(bus, log, '1-0', new AbortController().signal))
    expect(await take(2)).toEqual(['2', '3'])
    deliver(late)
    expect(await take(1)).toEqual(['4'])
    deliver(store(2))
    expect(await take(2)).toEqual(['5', '6'])
  })

  it('loses nothing when the bus lags behind the cursor and brings it with the next event at once', async () => {
    const { log, bus, store, deliver } = twin()
    const late = store(2)
    const { take } = reader(followEvents(bus, log, '2-0', new AbortController().signal))
    const next = take(2)
    await new Promise(setImmediate)
    deliver([...late, ...store(2)])
    expect(await next).toEqual(['3', '4'])
  })

  it('lets a slow reader catch up from the log when more came than is kept for it', async () => {
    const { log, bus, happen, reads } = twin()
    const { take } = reader(followEvents(bus, log, '0-0', new AbortController().signal))
    const first = take(1)
    happen()
    await first
    happen(1_700)
    expect(await take(1_700)).toEqual(numbers(2, 1_701))
    expect(reads()).toBeGreaterThan(5)
  })

  it('tells when events are lost to it, and goes on behind the new snapshot', async () => {
    const { log, bus, store, happen, removeBelow, gap } = twin()
    store(5)
    removeBelow(4)
    const { take } = reader(followEvents(bus, log, '1-0', new AbortController().signal))
    expect(await take(1)).toEqual(['snapshot 5-0 true'])
    const next = take(1)
    happen()
    expect(await next).toEqual(['6'])
    const missed = take(1)
    store(2)
    removeBelow(8)
    gap()
    expect(await missed).toEqual(['snapshot 8-0 true'])
    const unreadable = reader(followEvents(bus, log, 'nonsense', new AbortController().signal))
    expect(await unreadable.take(1)).toEqual(['snapshot 8-0 true'])
  })

  it('ends with its signal and leaves nobody subscribed', async () => {
    const { log, bus, subscribers } = twin()
    const abort = new AbortController()
    const items = followEvents(bus, log, '0-0', abort.signal)
    const next = items.next()
    await new Promise(setImmediate)
    expect(subscribers()).toBe(2)
    abort.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(subscribers()).toBe(0)
  })

  it('shows each event once on a real database while many write and readers come and go', async () => {
    await using database = await openTestDatabase({ poolSize: 8 })
    const eventLog = createEventLog(database.prisma)
    const bus = createPostgresBus({ url: database.url, eventLog, log: recordingLogger(), sweepMs: 100 })
    await bus.start()
    const unitOfWork = createUnitOfWork({ prisma: database.prisma, repositoriesFor: () => ({}), hook: bus })
    const begin = await eventLog.head()
    const record = (fileId: string) =>
      unitOfWork.run((to) => {
        to.record({ type: 'file.removed', subjectType: 'file', subjectId: fileId, payload: { fileId } }, 'system')
        return Promise.resolve()
      })
    const all = numbers(1, 120)
    const writing = Promise.all(
      [0, 1, 2].map(async (w) => {
        for (const id of all.filter((_, n) => n % 3 === w)) await record(id)
      }),
    )
    const seen: string[] = []
    let cursor = begin
    while (seen.length < all.length) {
      // Every reader leaves after a few events; the next one resumes where it left.
      let left = 7
      for await (const item of followEvents(bus, eventLog, cursor, new AbortController().signal)) {
        if (item.type === 'snapshot') throw new Error('nothing was removed')
        seen.push(item.subjectId)
        cursor = item.cursor
        left -= 1
        if (left === 0 || seen.length === all.length) break
      }
    }
    await writing
    await bus.stop()
    expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(all)
  })
})
