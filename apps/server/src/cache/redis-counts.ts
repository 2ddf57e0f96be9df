import { randomUUID } from 'node:crypto'

import type { Counted, SlidingCounts } from '../kernel/sliding-counts.port.js'
import { countedKey } from './counted-key.js'
import { repliesOf, type RedisCalls } from './redis-link.js'

/**
 * KEYS: the counts, sets ordered by time. ARGV: the window in ms, the name of what is added, the limit of each. By the
 * clock of Redis, which is the same for all. Answers for how many ms one of them has no room; 0: it was added to all.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window = tonumber(ARGV[1])
local wait = 0
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local over = redis.call('ZCARD', key) - tonumber(ARGV[i + 2])
  if over >= 0 then
    local first = redis.call('ZRANGE', key, over, over, 'WITHSCORES')
    wait = math.max(wait, first[2] + window - now)
  end
end
if wait > 0 then return wait end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now, ARGV[2])
  redis.call('PEXPIRE', key, window)
end
return 0`

export interface RedisCountsOptions {
  calls: RedisCalls
  prefix: string
}

/** Counts that all processes share, in Redis. */
export class RedisCounts implements SlidingCounts {
  constructor(private readonly options: RedisCountsOptions) {}

  async take(counted: readonly Counted[], windowMs: number): Promise<number | null> {
    const keys = counted.map(({ key }) => this.keyOf(key))
    const limits = counted.map(({ limit }) => limit)
    const waitMs = await this.options.calls.attempt(
      'count',
      (redis) => redis.eval(TAKE, keys.length, ...keys, windowMs, randomUUID(), ...limits),
      { refusable: true },
    )
    return typeof waitMs === 'number' ? waitMs : null
  }

  async giveBack(emptied: string, others: readonly string[]): Promise<void> {
    await this.options.calls.attempt(
      'uncount',
      (redis) => {
        const pipeline = redis.pipeline().unlink(this.keyOf(emptied))
        for (const key of others) pipeline.zpopmax(this.keyOf(key))
        return repliesOf(pipeline)
      },
      { refusable: true },
    )
  }

  private keyOf(key: string): string {
    return countedKey(this.options.prefix, 'count', key)
  }
}
