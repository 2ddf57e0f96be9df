import type { CacheLayerCounts, CacheStats } from '@gantry/schemas'

import { startCache } from '../cache/create-cache.js'
import type { Config } from '../config/config.js'
import type { Cache, Lifecycle, Logger, Timers } from '../kernel/index.js'
import type { Metrics } from '../observability/metrics.js'
import type { Persistence } from './persistence.js'

export interface OpenCacheOptions {
  config: Pick<Config, 'cache'>
  persistence: Pick<Persistence, 'bus' | 'unitOfWork'>
  metrics: Metrics
  instanceId: string
  clock: Timers
  log: Logger
  lifecycle: Lifecycle
}

const SECONDS_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]
const LAYER_COUNTS = {
  hits: 'Fresh values that a layer of the cache had.',
  misses: 'Values that a layer of the cache did not have.',
  staleHits: 'Values that were used although they were no longer fresh.',
  errors: 'Calls that a layer of the cache did not answer.',
} as const satisfies Record<keyof CacheLayerCounts, string>
const GROUP_COUNTS = {
  loads: 'Loads of values that no layer had.',
  loadFailures: 'Loads that failed.',
  savedBytes: 'Bytes that compression has kept out of Redis.',
} as const
const BREAKER_NUMBERS = { closed: 0, 'half-open': 1, open: 2 } as const

/** The cache on the bus and, when one is configured, on Redis; an unreachable Redis is a warning and no failure. */
export const openCache = (options: OpenCacheOptions): Cache => {
  const { config, persistence, metrics, lifecycle, ...rest } = options
  const { bus, unitOfWork } = persistence
  const seconds = metrics.histogram(
    'gantry_cache_redis_seconds',
    'Time of one call of the cache to Redis.',
    ['operation'],
    SECONDS_BUCKETS,
  )
  const started = startCache({
    ...{ ...rest, bus, settings: config.cache },
    observe: (operation, duration) => seconds.observe({ operation }, duration),
    records: {
      invalidated: (mark, { tags, keys, patterns }) =>
        unitOfWork.run((tx) => {
          const payload = { tags, keys, patterns }
          tx.record({ type: 'cache.invalidated', subjectType: 'cache', subjectId: mark, payload }, 'system')
          return Promise.resolve()
        }),
      strategyChanged: (strategy, actorId) =>
        unitOfWork.run((tx) => {
          const payload = { strategy }
          tx.record({ type: 'cache.strategy_changed', subjectType: 'cache', subjectId: 'cache', payload }, actorId)
          return Promise.resolve()
        }),
    },
  })
  lifecycle.onStop('cache', () => started.stop())
  showIn(metrics, () => started.cache.stats())
  return started.cache
}

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const showIn = (metrics: Metrics, stats: () => CacheStats): void => {
  for (const [count, help] of Object.entries(LAYER_COUNTS) as [keyof CacheLayerCounts, string][]) {
    metrics.readings({
      ...{ type: 'counter', name: `gantry_cache_${snake(count)}_total`, help, labelNames: ['layer', 'group'] },
      read: () =>
        stats().groups.flatMap((counts) =>
          (['memory', 'redis'] as const).map((layer) => ({
            labels: { layer, group: counts.group },
            value: counts[layer][count],
          })),
        ),
    })
  }
  for (const [count, help] of Object.entries(GROUP_COUNTS) as [keyof typeof GROUP_COUNTS, string][]) {
    metrics.readings({
      ...{ type: 'counter', name: `gantry_cache_${snake(count)}_total`, help, labelNames: ['group'] },
      read: () => stats().groups.map((counts) => ({ labels: { group: counts.group }, value: counts[count] })),
    })
  }
  metrics.gauge('gantry_cache_memory_entries', 'Values in memory.', () => stats().memory.entries)
  metrics.gauge('gantry_cache_memory_bytes', 'Bytes of values in memory.', () => stats().memory.bytes)
  metrics.gauge('gantry_cache_memory_answering', 'Whether memory answers: invalidations can arrive.', () =>
    Number(stats().memory.answering),
  )
  metrics.readings({
    type: 'gauge',
    name: 'gantry_cache_redis_connected',
    help: '1 while the cache is connected to Redis; absent without Redis.',
    labelNames: [],
    read: () => {
      const { redis } = stats()
      return redis === null ? [] : [{ labels: {}, value: Number(redis.connected) }]
    },
  })
  metrics.readings({
    type: 'gauge',
    name: 'gantry_cache_breaker_state',
    help: 'The circuit breaker before Redis: 0 closed, 1 half-open, 2 open; absent without Redis.',
    labelNames: [],
    read: () => {
      const { redis } = stats()
      return redis === null ? [] : [{ labels: {}, value: BREAKER_NUMBERS[redis.breaker] }]
    },
  })
}
