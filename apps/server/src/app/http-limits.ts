import { RedisPlaces } from '../cache/redis-places.js'
import { RedisWindows } from '../cache/redis-windows.js'
import type { Config } from '../config/config.js'
import { SlidingWindowLimiter } from '../http/limits/sliding-window-limiter.js'
import type { RateLimiter } from '../http/limits/rate-limiter.port.js'
import type { Authenticator } from '../kernel/index.js'
import { LiveStreams } from '../trpc/live-streams.js'
import { openSharedCounts, type SharedCountsOptions } from './shared-counts.js'

export interface HttpLimitsOptions extends SharedCountsOptions {
  config: SharedCountsOptions['config'] & { http: Pick<Config['http'], 'rateLimitPerMinute'> }
  authenticator: Authenticator
}

export interface HttpLimits {
  rateLimiter: RateLimiter
  liveStreams: LiveStreams
}

/** Calls per minute and open streams, counted with all processes in Redis, where there is one; does not wait for it. */
export const openHttpLimits = (options: HttpLimitsOptions): HttpLimits => {
  const { config, clock, authenticator } = options
  const counts = openSharedCounts('call counts', options)
  const [windows, places] = counts === null ? [null, null] : [new RedisWindows(counts), new RedisPlaces(counts)]
  return {
    rateLimiter: new SlidingWindowLimiter(config.http.rateLimitPerMinute, clock, windows),
    liveStreams: new LiveStreams({ authenticator, places }),
  }
}
