import type { CacheStrategy } from '@gantry/schemas'

import type { Cache } from '../kernel/cache.port.js'
import type { Timers } from '../kernel/clock.js'
import type { EventBus, EventFreshness } from '../kernel/events.js'
import type { Stoppable } from '../kernel/lifecycle.js'
import type { Logger } from '../kernel/logger.port.js'
import { CacheCounters } from './cache-counters.js'
import type { Drop } from './drops.js'
import { Invalidations } from './invalidations.js'
import { Lanes } from './lanes.js'
import { LayeredCache } from './layered-cache.js'
import { MemoryLayer, type MemoryLimits } from './memory-layer.js'
import { RareLog } from '../kernel/rare-log.js'
import { RedisLayer } from './redis-layer.js'
import { REDIS_TIMINGS, type RedisTimings } from './redis-link.js'
import { TagTable } from './tag-table.js'

export interface CacheSettings {
  strategy: CacheStrategy
  memory: MemoryLimits
  compressOverBytes: number
  /** Null: the memory layer serves alone. */
  redis: { url: string; prefix: string } | null
}

/** Where the cache leaves what every process must hear of. All throw GantryError `UNAVAILABLE`. */
export interface CacheRecords {
  invalidated(mark: string, drop: Pick<Drop, 'tags' | 'keys' | 'patterns'>): Promise<void>
  strategyChanged(strategy: CacheStrategy, actorId: string): Promise<void>
}

export interface CreateCacheOptions {
  settings: CacheSettings
  bus: Pick<EventBus, 'onEvent' | 'onRecorded' | 'onGap'> & EventFreshness
  records: CacheRecords
  instanceId: string
  clock: Timers
  log: Logger
  /** Told of each call to Redis. */
  observe: (operation: string, seconds: number) => void
  /** @default those that keep the promises of the reference */
  timings?: RedisTimings
}

export interface StartedCache extends Stoppable {
  cache: Cache
}

const MAX_TAGS_KNOWN = 50_000

/** Makes the cache and begins to listen. Does not wait for Redis. */
export const startCache = (options: CreateCacheOptions): StartedCache => {
  const { settings, bus, records, clock } = options
  const log = new RareLog(options.log, clock)
  const lanes = new Lanes(bus)
  const tags = new TagTable(MAX_TAGS_KNOWN)
  const invalidations = new Invalidations({
    bus,
    redis: () => redis,
    apply: (drop) => cache.apply(drop),
    record: (mark, drop) => records.invalidated(mark, drop),
  })
  const redis: RedisLayer | null =
    settings.redis === null
      ? null
      : new RedisLayer({
          ...{ ...settings.redis, instanceId: options.instanceId, clock, log, tags, observe: options.observe },
          timings: options.timings ?? REDIS_TIMINGS,
          onMissed: () => cache.missed(),
          onOwnBeat: () => lanes.redisHeard(clock.monotonicMs()),
          onDrop: (drop, marks) => invalidations.heardFromRedis(drop, marks),
        })
  const cache: LayeredCache = new LayeredCache({
    ...{ clock, lanes, tags, redis, invalidations, log },
    memory: new MemoryLayer(settings.memory, lanes),
    counters: new CacheCounters(),
    strategy: settings.strategy,
    compressOverBytes: settings.compressOverBytes,
    recordStrategy: (strategy, actorId) => records.strategyChanged(strategy, actorId),
  })
  const unsubscribe = bus.onEvent((event) => {
    if (event.type === 'cache.strategy_changed') cache.strategy = event.payload.strategy
  })
  redis?.start()
  const stop = () => {
    unsubscribe()
    invalidations.stop()
    redis?.stop()
    return Promise.resolve()
  }
  return { cache, stop }
}
