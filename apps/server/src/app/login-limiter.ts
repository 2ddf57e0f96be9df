import { RedisCounts } from '../cache/redis-counts.js'
import { LoginLimiter } from '../modules/auth/login-limiter.js'
import { openSharedCounts, type SharedCountsOptions } from './shared-counts.js'

/** Counts failed logins with all processes in Redis, where there is one; does not wait for it. */
export const openLoginLimiter = (options: SharedCountsOptions): LoginLimiter => {
  const counts = openSharedCounts('login counts', options)
  return new LoginLimiter(options.clock, counts === null ? null : new RedisCounts(counts))
}
