import { LRUCache } from 'lru-cache'

import type { Clock, EventBus, StoredEvent } from '../../kernel/index.js'
import { failingClosed } from './failing-closed.js'
import { isAboutUser } from './user-events.js'

const REMEMBERED_MS = 60_000
/** Streams are rechecked each half minute: with what is no older than that, none outlives a minute. */
export const RECENT_MS = 30_000
const MAX_REMEMBERED = 10_000
/** Ids are never given twice, so that what is not there will not be; what lives again is heard of. */
const REFUSED_MS = 5_000

/** What is known of somebody who was let in. */
interface Known {
  userId: string
}

interface Remembered<T> {
  known: T
  sinceMs: number
  untilMs: number
}

export interface RememberedCallersOptions {
  bus: Pick<EventBus, 'onEvent' | 'onGap' | 'onHearing'>
  clock: Clock
  /** The session or key that an event ends; null: none. */
  endedBy: (event: StoredEvent) => string | null
}

/**
 * What callers may, by session or key: remembered for a minute, and forgotten as soon as it is heard that it is over or may
 * have changed. Nobody is remembered while nothing can be heard: without a database nobody is let in, whatever is kept.
 */
export class RememberedCallers<T extends Known> {
  private readonly remembered = new LRUCache<string, Remembered<T>>({ max: MAX_REMEMBERED })
  /** Asked for at this moment, and nothing was forgotten since: whoever asks for the same waits for the same answer. */
  private readonly asked = new Map<string, Promise<T | null>>()
  /** Until when each is refused without asking. */
  private readonly refused = new LRUCache<string, { untilMs: number }>({ max: MAX_REMEMBERED })
  /** Grows with everything forgotten; what was asked before may then no longer be remembered. */
  private forgotten = 0
  private hears = false
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
    bus.onHearing((hears) => {
      this.hears = hears
      this.forgetAll()
    })
  }

  /** Called in the process that ended the session or key, before anybody is told that it did. */
  forget(id: string): void {
    this.giveUpAsked()
    this.remembered.delete(id)
  }

  /** Something of what many may has changed. */
  forgetAll(): void {
    this.giveUpAsked()
    this.remembered.clear()
    this.refused.clear()
  }

  /** Something of what the user may has changed. */
  forgetUser(userId: string): void {
    this.giveUpAsked()
    this.refused.clear()
    for (const [id, { known }] of this.remembered.entries()) if (known.userId === userId) this.remembered.delete(id)
  }

  /** @param maxAgeMs what was found out longer ago is not said */
  protected recalled(id: string, maxAgeMs = REMEMBERED_MS): T | undefined {
    const found = this.remembered.get(id)
    const now = this.clock.now()
    return found !== undefined && now < found.untilMs && now < found.sinceMs + maxAgeMs ? found.known : undefined
  }

  protected refuse(id: string): void {
    this.refused.set(id, { untilMs: this.clock.now() + REFUSED_MS })
  }

  protected isRefused(id: string): boolean {
    return this.clock.now() < (this.refused.get(id)?.untilMs ?? 0)
  }

  /** @param expiresAt when it ends by itself; null: it does not. @throws GantryError `UNAVAILABLE` */
  protected live(id: string, load: () => Promise<T | null>, expiresAt?: (known: T) => Date | null): Promise<T | null> {
    const before = this.asked.get(id)
    if (before !== undefined) return before
    const asking = this.ask(id, load, expiresAt).finally(() => {
      if (this.asked.get(id) === asking) this.asked.delete(id)
    })
    this.asked.set(id, asking)
    return asking
  }

  /** Those who wait have their answer; whoever comes now asks anew. */
  private giveUpAsked(): void {
    this.forgotten += 1
    this.asked.clear()
  }

  private async ask(
    id: string,
    load: () => Promise<T | null>,
    expiresAt: (known: T) => Date | null = () => null,
  ): Promise<T | null> {
    const { forgotten, clock } = this
    const sinceMs = clock.now()
    const atMost = sinceMs + REMEMBERED_MS
    const known = await failingClosed(load())
    const endMs = known === null ? 0 : (expiresAt(known)?.getTime() ?? Infinity)
    if (known === null || endMs <= clock.now()) {
      this.remembered.delete(id)
      return null
    }
    if (this.hears && forgotten === this.forgotten)
      this.remembered.set(id, { known, sinceMs, untilMs: Math.min(atMost, endMs) })
    return known
  }
}
