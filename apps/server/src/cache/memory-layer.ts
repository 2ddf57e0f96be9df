import { LRUCache } from 'lru-cache'

import type { GroupCounters } from './cache-counters.js'
import { matches } from './drops.js'
import type { Lanes } from './lanes.js'
import type { Lifetime } from './limits.js'
import { isCurrent, type TagMoment } from './tag-table.js'

/** A value in memory; its times are of the monotonic clock, so that nothing done to the machine's clock lengthens them. */
export interface MemoryEntry extends TagMoment {
  value: unknown
  madeAtMs: number
  freshUntilMs: number
  endsAtMs: number
  counters: GroupCounters
}

export interface NewEntry extends Lifetime {
  value: unknown
  valueBytes: number
  madeAtMs: number
  moment: TagMoment
  counters: GroupCounters
}

export interface MemoryLimits {
  maxEntries: number
  /** Of the values as they are serialised, with a little for the rest of each entry. */
  maxBytes: number
}

/** What an entry costs beside its value. */
const ENTRY_BYTES = 256

/** The layer in the process: bounded by entries and by bytes, the least recently used go first. */
export class MemoryLayer {
  private readonly entries: LRUCache<string, MemoryEntry>

  constructor(
    private readonly limits: MemoryLimits,
    private readonly lanes: Lanes,
  ) {
    this.entries = new LRUCache({ max: limits.maxEntries, maxSize: limits.maxBytes })
  }

  /** What may be answered now, fresh or not. Nothing while no lane is alive. */
  find(key: string, nowMs: number): MemoryEntry | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined) return undefined
    if (nowMs < entry.endsAtMs && isCurrent(entry)) return this.lanes.areAlive(nowMs) ? entry : undefined
    this.entries.delete(key)
    return undefined
  }

  /** What is larger than all the room is not kept, and whatever was there goes. */
  put(key: string, { value, valueBytes, madeAtMs, freshMs, hardMs, moment, counters }: NewEntry): void {
    // One literal for all entries: the engine reads those fastest that were made alike, and worst those put together.
    const entry: MemoryEntry = {
      value,
      madeAtMs,
      freshUntilMs: madeAtMs + freshMs,
      endsAtMs: madeAtMs + hardMs,
      states: moment.states,
      versions: moment.versions,
      counters,
    }
    const size = valueBytes + 2 * key.length + ENTRY_BYTES
    if (size > this.limits.maxBytes) this.entries.delete(key)
    else this.entries.set(key, entry, { size })
  }

  delete(key: string): void {
    this.entries.delete(key)
  }

  deleteMatching(pattern: string): void {
    for (const key of [...this.entries.keys()]) if (matches(pattern, key)) this.entries.delete(key)
  }

  clear(): void {
    this.entries.clear()
  }

  usage() {
    return { entries: this.entries.size, bytes: this.entries.calculatedSize, ...this.limits }
  }
}
