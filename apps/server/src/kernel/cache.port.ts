import type { CacheStats, CacheStrategy } from '@gantry/schemas'

export interface CacheReadOptions {
  /** Whether the circuit breaker may keep this call away from Redis. @default true */
  circuit?: boolean
}

export interface CacheWriteOptions extends CacheReadOptions {
  /** Seconds for which the value is fresh. */
  ttl: number
  /** Seconds after `ttl` for which the strategy `swr` may still answer with the value. @default `ttl`, at most 3600 */
  staleTtl?: number
  /** Whether Redis keeps it compressed. @default when it is larger than `CACHE_COMPRESS_OVER_BYTES` */
  compress?: boolean
  /** What the value was made of; it is gone as soon as one of them is invalidated. */
  tags?: readonly string[]
}

export interface CacheLoadOptions extends CacheWriteOptions {
  /** @default the strategy in force */
  strategy?: CacheStrategy
  /** A value that is fresh for no more than so many seconds counts as no longer fresh. @default 0 */
  minFresh?: number
}

/** What a loader is told of the moment at which it begins. */
export interface LoadContext {
  /**
   * When one of the value's tags was invalidated last, in milliseconds of the process's monotonic clock; `-Infinity` when
   * that is not known to have happened. What is loaded must not be older.
   */
  invalidatedAtMs: number
}

export interface Cached<T> {
  value: T
  ageSeconds: number
}

/**
 * Keeps values for a while: in the memory of the process, and behind it in Redis when one is configured.
 *
 * Values are JSON or bytes (`Uint8Array`). JSON values come back as JSON makes them, frozen, whichever layer answers and
 * even when they were just loaded; bytes come back as a `Buffer` that nobody may write into. `undefined` is a miss and is
 * never kept; `null` is a value. Keys have 1 to 512 characters, and their part before the first colon is the group under
 * which they are counted.
 *
 * Trouble with Redis is never thrown: it makes misses, lines in the log and numbers in {@link stats}.
 */
export interface Cache {
  /** A fresh value out of the memory of this process, without waiting. */
  peek<T>(key: string): Cached<T> | undefined
  /** A fresh value. */
  get<T>(key: string, options?: CacheReadOptions): Promise<T | undefined>
  /**
   * As {@link get}, with the value's age. A load that is under way is waited for; under `swr` a stale value is answered
   * meanwhile.
   */
  find<T>(key: string, options?: CacheReadOptions): Promise<Cached<T> | undefined>
  /** @throws RangeError for a key, time or tag that cannot be; TypeError for a value that JSON cannot hold */
  set(key: string, value: unknown, options: CacheWriteOptions): Promise<void>
  /**
   * The value, or else what `load` brings; calls that miss at the same time share one load. What was loaded is not kept
   * when one of its tags, or the key, was invalidated since the load began.
   * @throws what `load` throws; RangeError and TypeError as {@link set}
   */
  getOrSet<T>(key: string, load: (context: LoadContext) => Promise<T>, options: CacheLoadOptions): Promise<T>
  /** At most 1,000 keys, in one round trip to Redis. @throws RangeError */
  mget<T>(keys: readonly string[], options?: CacheReadOptions): Promise<(T | undefined)[]>
  /** At most 1,000 entries, in one round trip to Redis, or two while a tag's generation is unknown. @throws as {@link set} */
  mset(entries: readonly (readonly [key: string, value: unknown])[], options: CacheWriteOptions): Promise<void>
  /** @throws GantryError `UNAVAILABLE` when the other instances may not hear of it */
  del(...keys: string[]): Promise<void>
  /**
   * Every value with one of these tags is gone, on every instance. What a stored event tells needs no such call.
   * @throws GantryError `UNAVAILABLE` when the other instances may not hear of it
   */
  invalidateTags(tags: readonly string[]): Promise<void>
  /**
   * Every key that matches is gone, on every instance; `*` stands for any characters, everything else for itself. Costs
   * a walk through all keys in Redis: tags are the cheaper way.
   * @throws GantryError `UNAVAILABLE` when the other instances may not hear of it
   */
  invalidatePattern(pattern: string): Promise<void>
  readonly strategy: CacheStrategy
  /** Changes the strategy on every instance until it is started again. @throws GantryError `UNAVAILABLE` */
  setStrategy(strategy: CacheStrategy, actorId: string): Promise<void>
  stats(): CacheStats
}
