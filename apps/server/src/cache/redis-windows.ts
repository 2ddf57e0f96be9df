import type { SharedWindow, SharedWindows } from '../kernel/shared-windows.port.js'
import { countedKey } from './counted-key.js'
import type { RedisCountsOptions } from './redis-counts.js'

/**
 * KEYS: the counts of a caller, a hash by window. ARGV: the window's length in ms, what is added, the window in which it was
 * counted. By the clock of Redis, which is the same for all; what was counted before the window before is over.
 */
const ADD = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local length = tonumber(ARGV[1])
local window = math.floor(now / length)
local counted = math.min(tonumber(ARGV[3]), window)
if tonumber(ARGV[2]) > 0 and counted >= window - 1 then
  redis.call('HINCRBY', KEYS[1], counted, ARGV[2])
  redis.call('HDEL', KEYS[1], window - 2, window - 3)
  redis.call('PEXPIRE', KEYS[1], 2 * length)
end
local counts = redis.call('HMGET', KEYS[1], window, window - 1)
return { now, tonumber(counts[1] or 0), tonumber(counts[2] or 0) }`

/** Counts per window that all processes share, in Redis. */
export class RedisWindows implements SharedWindows {
  constructor(private readonly options: RedisCountsOptions) {}

  async add(key: string, count: number, at: { window: number; windowMs: number }): Promise<SharedWindow | null> {
    const { calls, prefix } = this.options
    const reply = await calls.attempt(
      'count calls',
      (redis) => redis.eval(ADD, 1, countedKey(prefix, 'calls', key), at.windowMs, count, at.window),
      { refusable: true },
    )
    if (!Array.isArray(reply)) return null
    const [nowMs, current, previous] = reply as [number, number, number]
    return { nowMs, current, previous }
  }
}
