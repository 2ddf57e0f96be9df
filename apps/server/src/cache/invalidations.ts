import { randomUUID } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import type { EventBus, NewEvent, StoredEvent, Unsubscribe } from '../kernel/events.js'
import { dropOf, DropSum, type Drop } from './drops.js'
import { dropFor } from './event-tags.js'
import type { RedisLayer } from './redis-layer.js'

export interface InvalidationsOptions {
  bus: Pick<EventBus, 'onEvent' | 'onRecorded' | 'onGap'>
  redis: () => Pick<RedisLayer, 'drop'> | null
  /** Makes it so in this process. */
  apply: (drop: Drop) => void
  /** Stores the event `cache.invalidated` under this name. @throws GantryError `UNAVAILABLE` */
  record: (mark: string, drop: Drop) => Promise<void>
}

const MAX_MARKS = 5_000

const markOf = (event: StoredEvent): string => (event.type === 'cache.invalidated' ? event.subjectId : event.cursor)

/**
 * Carries invalidations to where they must take effect: this process, Redis, and the other processes. Stored events bring
 * each to everybody, sooner or later and without loss; a message over Redis brings it at once. What has come one way is
 * passed over when it comes the other way.
 */
export class Invalidations {
  private readonly done = new LRUCache<string, true>({ max: MAX_MARKS })
  private readonly subscriptions: Unsubscribe[]

  constructor(private readonly options: InvalidationsOptions) {
    const { bus } = options
    this.subscriptions = [
      bus.onEvent((event) => {
        if (event.type !== 'cache.strategy_changed') this.heardFromEvents(dropFor(event), markOf(event))
      }),
      bus.onRecorded((events) => this.recordedHere(events)),
      bus.onGap(() => this.heardFromEvents(dropOf({ all: true }), randomUUID())),
    ]
  }

  stop(): void {
    for (const unsubscribe of this.subscriptions) unsubscribe()
  }

  /** @throws GantryError `UNAVAILABLE` when it could not be recorded */
  async order(part: Partial<Drop>): Promise<void> {
    const drop = dropOf(part)
    const mark = randomUUID()
    this.options.apply(drop)
    this.done.set(mark, true)
    await Promise.all([this.options.redis()?.drop(drop, [mark]), this.options.record(mark, drop)])
  }

  heardFromRedis(drop: Drop, marks: readonly string[]): void {
    this.options.apply(drop)
    for (const mark of marks) this.done.set(mark, true)
  }

  /**
   * Before the caller who changed something is answered: asking again, they must not get what was. Over Redis the others
   * know it at once, and from the stored event in any case.
   */
  private recordedHere(events: readonly NewEvent[]): void {
    const sum = new DropSum()
    // The cache's own events tell what is done already.
    for (const event of events) if (!event.type.startsWith('cache.')) sum.add(dropFor(event))
    if (sum.isEmpty) return
    const drop = sum.take()
    this.options.apply(drop)
    void this.options.redis()?.drop(drop, [])
  }

  private heardFromEvents(drop: Drop, mark: string): void {
    if (this.done.has(mark)) return
    this.done.set(mark, true)
    this.options.apply(drop)
    void this.carryToRedis(drop, mark)
  }

  /** What was read out of Redis until it was gone there, goes again; tags need no such care. */
  private async carryToRedis(drop: Drop, mark: string): Promise<void> {
    const redis = this.options.redis()
    if (redis === null) return
    await redis.drop(drop, [mark])
    const { keys, patterns } = drop
    if (keys.length + patterns.length > 0) this.options.apply(dropOf({ keys, patterns }))
  }
}
