import type { RedisCountsOptions } from '../cache/redis-counts.js'
import { REDIS_TIMINGS, RedisCalls, type RedisTimings } from '../cache/redis-link.js'
import type { Config } from '../config/config.js'
import { RareLog, type Lifecycle, type Logger, type Timers } from '../kernel/index.js'

export interface SharedCountsOptions {
  config: { cache: Pick<Config['cache'], 'redis'> }
  clock: Timers
  log: Logger
  lifecycle: Pick<Lifecycle, 'onStop'>
  /** @default those of the cache */
  timings?: RedisTimings
}

/** Where all processes count together; null without Redis. A connection of its own, which nobody waits for here. */
export const openSharedCounts = (what: string, options: SharedCountsOptions): RedisCountsOptions | null => {
  const { config, clock, log, lifecycle, timings = REDIS_TIMINGS } = options
  const { redis } = config.cache
  if (redis === null) return null
  const { url, prefix } = redis
  const calls = new RedisCalls({ url, clock, timings, log: new RareLog(log, clock), observe: () => undefined })
  calls.start()
  lifecycle.onStop(what, () => {
    calls.stop()
    return Promise.resolve()
  })
  return { calls, prefix }
}
