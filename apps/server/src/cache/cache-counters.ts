import type { CacheLayerCounts, CacheStats } from '@gantry/schemas'

const MAX_GROUPS = 50
const OTHER = 'other'

export interface GroupCounters {
  readonly group: string
  readonly memory: CacheLayerCounts
  readonly redis: CacheLayerCounts
  loads: number
  loadFailures: number
  savedBytes: number
}

const layer = (): CacheLayerCounts => ({ hits: 0, misses: 0, staleHits: 0, errors: 0 })

const newGroup = (group: string): GroupCounters => ({
  ...{ group, memory: layer(), redis: layer() },
  ...{ loads: 0, loadFailures: 0, savedBytes: 0 },
})

/** Counts by group of keys. The number of groups is bounded, since keys come from everywhere. */
export class CacheCounters {
  private readonly groups = new Map<string, GroupCounters>()
  private readonly other = newGroup(OTHER)

  of(key: string): GroupCounters {
    const colon = key.indexOf(':')
    const group = colon === -1 ? key : key.slice(0, colon)
    const known = this.groups.get(group)
    if (known !== undefined) return known
    if (this.groups.size === MAX_GROUPS || group === OTHER) return this.other
    const counters = newGroup(group)
    this.groups.set(group, counters)
    return counters
  }

  snapshot(): CacheStats['groups'] {
    const all = [...this.groups.values()].sort((a, b) => a.group.localeCompare(b.group))
    return [...all, this.other].filter(isUsed).map((counters) => structuredClone(counters))
  }
}

const isUsed = ({ memory, redis, loads, savedBytes }: GroupCounters): boolean =>
  [memory, redis].some(({ hits, misses, staleHits, errors }) => hits + misses + staleHits + errors > 0) ||
  loads + savedBytes > 0
