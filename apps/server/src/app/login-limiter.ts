import { RedisCounts } from '../cache/redis-counts.js'
import { REDIS_TIMINGS, RedisCalls, type RedisTimings } from '../cache/redis-link.js'
import type { Config } from '../config/config.js'
import { RareLog, type Lifecycle, type Logger, type Timers } from '../kernel/index.js'
import { LoginLimiter } from '../modules/auth/login-limiter.js'

export interface OpenLoginLimiterOptions {
  config: { cache: Pick<Config['cache'], 'redis'> }
  clock: Timers
  log: Logger
  lifecycle: Pick<Lifecycle, 'onStop'>
  /** @default those of the cache */
  timings?: RedisTimings
}

/** Counts failed logins with all processes in Redis, where there is one; does not wait for it. */
export const openLoginLimiter = (options: OpenLoginLimiterOptions): LoginLimiter => {
  const { config, clock, log, lifecycle, timings = REDIS_TIMINGS } = options
  const { redis } = config.cache
  if (redis === null) return new LoginLimiter(clock)
  const { url, prefix } = redis
  const calls = new RedisCalls({ url, clock, timings, log: new RareLog(log, clock), observe: () => undefined })
  calls.start()
  const stop = () => {
    calls.stop()
    return Promise.resolve()
  }
  lifecycle.onStop('login counts', stop)
  return new LoginLimiter(clock, new RedisCounts({ calls, prefix }))
}
