import { randomBytes } from 'node:crypto'

import { Redis } from 'ioredis'
import { inject } from 'vitest'

export interface TestRedis extends AsyncDisposable {
  url: string
  /** What this test's keys begin with. */
  prefix: string
  /** Behind the cache's back. */
  client: Redis
}

/** A part of its own of the run's Redis; what was left in it is removed in the end. */
export const openTestRedis = (): TestRedis => {
  const url = inject('redisUrl')
  const prefix = `test-${randomBytes(6).toString('hex')}`
  const client = new Redis(url)
  const remove = async () => {
    for await (const keys of client.scanStream({ match: `${prefix}:*`, count: 1_000 }) as AsyncIterable<string[]>) {
      if (keys.length > 0) await client.unlink(...keys)
    }
    client.disconnect()
  }
  return { url, prefix, client, [Symbol.asyncDispose]: remove }
}
