import { LRUCache } from 'lru-cache'

import type { Clock, EventBus, StoredEvent } from '../../kernel/index.js'
import { failingClosed } from './failing-closed.js'
import { isAboutUser } from './user-events.js'

const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 10_000
/** Ids are never given twice, so that what is not there will not be; what lives again is heard of. */
const REFUSED_MS = 5_000

/** What is known of somebody who was let in. */
interface Known {
  userId: string
}

interface Remembered<T> {
  known: T
  untilMs: number
}

export interface RememberedCallersOptions {
  bus: Pick<EventBus, 'onEvent' | 'onGap'>
  clock: Clock
  /** The session or key that an event ends; null: none. */
  endedBy: (event: StoredEvent) => string | null
}

/**
 * What callers may, by session or key: remembered for a minute, and forgotten as soon as it is heard that it is over or may
 * have changed.
 */
export class RememberedCallers<T extends Known> {
  private readonly remembered = new LRUCache<string, Remembered<T>>({ max: MAX_REMEMBERED })
  /** Until when each is refused without asking. */
  private readonly refused = new LRUCache<string, { untilMs: number }>({ max: MAX_REMEMBERED })
  /** Grows with everything forgotten; what was asked before may then no longer be remembered. */
  private forgotten = 0
  private readonly clock: Clock

  constructor({ bus, clock, endedBy }: RememberedCallersOptions) {
    this.clock = clock
    bus.onEvent((event) => {
      const ended = endedBy(event)
      if (ended !== null) this.forget(ended)
      else if (isAboutUser(event)) this.forgetUser(event.payload.userId)
      else if (event.type === 'role.changed') this.forgetAll()
    })
    bus.onGap(() => this.forgetAll())
  }

  /** Called in the process that ended the session or key, before anybody is told that it did. */
  forget(id: string): void {
    this.forgotten += 1
    this.remembered.delete(id)
  }

  /** Something of what many may has changed. */
  forgetAll(): void {
    this.forgotten += 1
    this.remembered.clear()
    this.refused.clear()
  }

  /** Something of what the user may has changed. */
  forgetUser(userId: string): void {
    this.forgotten += 1
    this.refused.clear()
    for (const [id, { known }] of this.remembered.entries()) if (known.userId === userId) this.remembered.delete(id)
  }

  protected recalled(id: string): T | undefined {
    const found = this.remembered.get(id)
    return found !== undefined && this.clock.now() < found.untilMs ? found.known : undefined
  }

  protected refuse(id: string): void {
    this.refused.set(id, { untilMs: this.clock.now() + REFUSED_MS })
  }

  protected isRefused(id: string): boolean {
    return this.clock.now() < (this.refused.get(id)?.untilMs ?? 0)
  }

  /** @param expiresAt when it ends by itself; null: it does not. @throws GantryError `UNAVAILABLE` */
  protected async live(
    id: string,
    load: () => Promise<T | null>,
    expiresAt: (known: T) => Date | null = () => null,
  ): Promise<T | null> {
    const { forgotten, clock } = this
    const atMost = clock.now() + REMEMBERED_MS
    const known = await failingClosed(load())
    const endMs = known === null ? 0 : (expiresAt(known)?.getTime() ?? Infinity)
    if (known === null || endMs <= clock.now()) {
      this.remembered.delete(id)
      return null
    }
    if (forgotten === this.forgotten) this.remembered.set(id, { known, untilMs: Math.min(atMost, endMs) })
    return known
  }
}
