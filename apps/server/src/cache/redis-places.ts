import type { PlaceTerms, SharedPlaces } from '../kernel/shared-places.port.js'
import { countedKey } from './counted-key.js'
import type { RedisCountsOptions } from './redis-counts.js'

/**
 * KEYS: the places, a set of who holds one, ordered by until when. ARGV: for how long in ms, the holder, how many there are.
 * By the clock of Redis. Answers 1 when there was one.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) and not redis.call('ZSCORE', KEYS[1], ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1`

/** Places that all processes share, in Redis. Those of a process that died are free when nobody renews them. */
export class RedisPlaces implements SharedPlaces {
  constructor(private readonly options: RedisCountsOptions) {}

  async take(key: string, holder: string, { limit, heldMs }: PlaceTerms): Promise<boolean | null> {
    const reply = await this.options.calls.attempt(
      'take place',
      (redis) => redis.eval(TAKE, 1, this.keyOf(key), heldMs, holder, limit),
      { refusable: true },
    )
    return typeof reply === 'number' ? reply === 1 : null
  }

  async renew(key: string, holder: string, { heldMs }: PlaceTerms): Promise<void> {
    // Whoever holds one is there, whether or not Redis has forgotten it meanwhile.
    await this.take(key, holder, { limit: Number.MAX_SAFE_INTEGER, heldMs })
  }

  async giveBack(key: string, holder: string): Promise<void> {
    await this.options.calls.attempt('free place', (redis) => redis.zrem(this.keyOf(key), holder), { refusable: true })
  }

  private keyOf(key: string): string {
    return countedKey(this.options.prefix, 'places', key)
  }
}
