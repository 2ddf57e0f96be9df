import type { CacheStats, CacheStrategy } from '@gantry/schemas'

import type {
  Cache,
  Cached,
  CacheLoadOptions,
  CacheReadOptions,
  CacheWriteOptions,
  LoadContext,
} from '../kernel/cache.port.js'
import type { Timers } from '../kernel/clock.js'
import { correlation, inSpan } from '../kernel/correlation.js'
import type { CacheCounters } from './cache-counters.js'
import type { Drop } from './drops.js'
import type { Invalidations } from './invalidations.js'
import type { Lanes } from './lanes.js'
import { checkKeys, checkPattern, checkTags, lifetimeOf, MAX_KEYS_AT_ONCE, MAX_VALUE_BYTES } from './limits.js'
import { Loads } from './loads.js'
import type { MemoryEntry, MemoryLayer } from './memory-layer.js'
import { prepare } from './prepared-value.js'
import type { RareLog } from '../kernel/rare-log.js'
import type { PreparedEntry, RedisLayer } from './redis-layer.js'
import type { FoundValue } from './redis-store.js'
import { EVERYTHING, type TagTable } from './tag-table.js'

export interface LayeredCacheOptions {
  clock: Timers
  lanes: Lanes
  memory: MemoryLayer
  tags: TagTable
  counters: CacheCounters
  redis: RedisLayer | null
  invalidations: Invalidations
  log: RareLog
  strategy: CacheStrategy
  compressOverBytes: number
  /** Tells every process of the new strategy. @throws GantryError `UNAVAILABLE` */
  recordStrategy: (strategy: CacheStrategy, actorId: string) => Promise<void>
}

/** Memory in front of Redis. A hit in memory takes no step that waits. */
export class LayeredCache implements Cache {
  strategy: CacheStrategy
  private readonly loads: Loads
  /** Grows when keys are dropped; what was asked of Redis before that is not kept in memory. */
  private keyDrops = 0

  constructor(private readonly options: LayeredCacheOptions) {
    this.strategy = options.strategy
    this.loads = new Loads({
      ...options,
      redis: (circuit) => this.redisNow(circuit),
      compressOverBytes: (given) => this.compressOverBytes(given),
    })
  }

  peek<T>(key: string): Cached<T> | undefined {
    const nowMs = this.options.clock.monotonicMs()
    const entry = this.fresh(key, nowMs)
    return entry && { value: entry.value as T, ageSeconds: (nowMs - entry.madeAtMs) / 1_000 }
  }

  get<T>(key: string, options?: CacheReadOptions): Promise<T | undefined> {
    const entry = this.fresh(key, this.options.clock.monotonicMs())
    if (entry !== undefined) return Promise.resolve(entry.value as T)
    return this.beyondMemory([key], options).then(([found]) => found?.value as T | undefined)
  }

  async find<T>(key: string, options?: CacheReadOptions): Promise<Cached<T> | undefined> {
    const known = this.peek<T>(key) ?? this.staleWhileLoading<T>(key)
    if (known !== undefined) return known
    const loaded = await this.loads.underway(key)
    if (loaded !== undefined) return { value: loaded as T, ageSeconds: this.ageOf(key) }
    const [found] = await this.beyondMemory([key], options)
    return found && { value: found.value as T, ageSeconds: found.ageMs / 1_000 }
  }

  getOrSet<T>(key: string, load: (context: LoadContext) => Promise<T>, options: CacheLoadOptions): Promise<T> {
    const nowMs = this.options.clock.monotonicMs()
    const entry = this.options.memory.find(key, nowMs)
    const spent = correlation()?.spent
    if (spent !== undefined) spent.cacheReads += 1
    if (entry !== undefined && nowMs < entry.freshUntilMs - 1_000 * (options.minFresh ?? 0)) {
      entry.counters.memory.hits += 1
      return Promise.resolve(entry.value as T)
    }
    const strategy = options.strategy ?? this.strategy
    if (entry === undefined || strategy === 'simple') {
      const counted = (context: LoadContext) => {
        if (spent !== undefined) spent.cacheLoads += 1
        return load(context)
      }
      return this.loads.fetch(key, counted, { ...options, strategy }) as Promise<T>
    }
    entry.counters.memory.staleHits += 1
    this.loads.refreshBehind(key, load, { ...options, strategy })
    return Promise.resolve(entry.value as T)
  }

  async mget<T>(keys: readonly string[], options?: CacheReadOptions): Promise<(T | undefined)[]> {
    checkKeys(keys)
    const nowMs = this.options.clock.monotonicMs()
    const values = keys.map((key) => this.fresh(key, nowMs)?.value as T | undefined)
    const missing = keys.filter((_key, n) => values[n] === undefined)
    if (missing.length === 0) return values
    const found = await this.beyondMemory(missing, options)
    let next = 0
    return values.map((value) => (value === undefined ? (found[next++]?.value as T | undefined) : value))
  }

  set(key: string, value: unknown, options: CacheWriteOptions): Promise<void> {
    return this.mset([[key, value]], options)
  }

  async mset(entries: readonly (readonly [string, unknown])[], options: CacheWriteOptions): Promise<void> {
    const { tags = [], circuit = true } = options
    checkKeys(entries.map(([key]) => key))
    checkTags(tags)
    const lifetime = lifetimeOf(options)
    const prepared = entries.map(([key, value]): PreparedEntry => [key, preparedOrThrow(value)])
    const moment = this.options.tags.moment(tags)
    const { clock, memory, counters, redis } = this.options
    const madeAtMs = clock.monotonicMs()
    for (const [key, { value, payload }] of prepared) {
      this.forgetKey(key)
      const size = { valueBytes: payload.length }
      memory.put(key, { value, ...size, ...lifetime, madeAtMs, moment, counters: counters.of(key) })
    }
    if (redis === null) return
    const replacement = { ...lifetime, moment, compressOverBytes: this.compressOverBytes(options) }
    const saved = await redis.replace(prepared, replacement, circuit)
    prepared.forEach(([key], n) => {
      const group = counters.of(key)
      if (saved === undefined) group.redis.errors += 1
      else group.savedBytes += saved[n] ?? 0
    })
  }

  async del(...keys: string[]): Promise<void> {
    checkKeys(keys)
    await this.options.invalidations.order({ keys })
  }

  async invalidateTags(tags: readonly string[]): Promise<void> {
    if (tags.length > MAX_KEYS_AT_ONCE) throw new RangeError(`at most ${MAX_KEYS_AT_ONCE} tags at once`)
    tags.forEach((tag) => checkTags([tag]))
    await this.options.invalidations.order({ tags })
  }

  async invalidatePattern(pattern: string): Promise<void> {
    checkPattern(pattern)
    await this.options.invalidations.order({ patterns: [pattern] })
  }

  async setStrategy(strategy: CacheStrategy, actorId: string): Promise<void> {
    await this.options.recordStrategy(strategy, actorId)
    this.strategy = strategy
  }

  stats(): CacheStats {
    const { memory, lanes, clock, redis, counters } = this.options
    return {
      strategy: this.strategy,
      memory: { ...memory.usage(), answering: lanes.areAlive(clock.monotonicMs()) },
      redis: redis?.stats() ?? null,
      groups: counters.snapshot(),
    }
  }

  /** Makes a drop so in this process. */
  apply(drop: Drop): void {
    const { clock, tags, memory } = this.options
    const nowMs = clock.monotonicMs()
    if (drop.all === true) {
      tags.invalidate(EVERYTHING, nowMs)
      memory.clear()
    }
    for (const tag of drop.tags) tags.invalidate(tag, nowMs)
    for (const key of drop.keys) this.forgetKey(key)
    for (const pattern of drop.patterns) {
      this.keyDrops += 1
      memory.deleteMatching(pattern)
      this.loads.flights.dropMatching(pattern)
    }
  }

  /** Messages may have been missed: what came from Redis may be old, and so may what is known of it. */
  missed(): void {
    this.keyDrops += 1
    this.options.tags.forgetGenerations()
    this.options.memory.clear()
  }

  private fresh(key: string, nowMs: number): MemoryEntry | undefined {
    const entry = this.options.memory.find(key, nowMs)
    if (entry === undefined || nowMs >= entry.freshUntilMs) return undefined
    entry.counters.memory.hits += 1
    return entry
  }

  /** Of what was just loaded, or found in Redis, where it may have lain for a while. */
  private ageOf(key: string): number {
    const nowMs = this.options.clock.monotonicMs()
    return (nowMs - (this.options.memory.find(key, nowMs)?.madeAtMs ?? nowMs)) / 1_000
  }

  /** What `swr` answers with while it loads anew. */
  private staleWhileLoading<T>(key: string): Cached<T> | undefined {
    if (this.strategy === 'simple') return undefined
    const nowMs = this.options.clock.monotonicMs()
    const entry = this.options.memory.find(key, nowMs)
    if (entry === undefined || !this.loads.isUnderway(key)) return undefined
    entry.counters.memory.staleHits += 1
    return { value: entry.value as T, ageSeconds: (nowMs - entry.madeAtMs) / 1_000 }
  }

  private forgetKey(key: string): void {
    this.keyDrops += 1
    this.options.memory.delete(key)
    this.loads.flights.drop(key)
  }

  /** Without a living lane, invalidations may be missed, and the generations of tags are not known. */
  private redisNow(circuit: boolean): RedisLayer | null {
    const { redis, lanes, clock } = this.options
    return redis !== null && redis.isUsable(circuit) && lanes.areAlive(clock.monotonicMs()) ? redis : null
  }

  /** Fresh values out of Redis, for keys that memory does not have. */
  private async beyondMemory(
    keys: readonly string[],
    { circuit = true }: CacheReadOptions = {},
  ): Promise<(FoundValue | undefined)[]> {
    const { counters, tags } = this.options
    const { keyDrops } = this
    const redis = this.redisNow(circuit)
    const found = redis === null ? undefined : await readTraced(redis, keys, tags.moment([]).states, circuit)
    return keys.map((key, n) => {
      const group = counters.of(key)
      group.memory.misses += 1
      const value = found?.[n]
      if (value !== undefined && keyDrops === this.keyDrops) this.loads.remember(key, value)
      const isHit = value !== undefined && value.ageMs < value.freshMs
      if (redis !== null) group.redis[found === undefined ? 'errors' : isHit ? 'hits' : 'misses'] += 1
      return isHit ? value : undefined
    })
  }

  private compressOverBytes({ compress }: { compress?: boolean }): number {
    if (compress === undefined) return this.options.compressOverBytes
    return compress ? 0 : Infinity
  }
}

const readTraced = (redis: RedisLayer, ...asked: Parameters<RedisLayer['read']>) => {
  const attributes = { 'db.system.name': 'redis', 'gantry.cache.keys': asked[0].length }
  return inSpan('redis read', 'client', attributes, () => redis.read(...asked))
}

const preparedOrThrow = (value: unknown) => {
  const prepared = prepare(value)
  if (prepared === null) throw new TypeError('undefined cannot be kept')
  if (prepared.payload.length > MAX_VALUE_BYTES) throw new RangeError(`a value has at most ${MAX_VALUE_BYTES} bytes`)
  return prepared
}
