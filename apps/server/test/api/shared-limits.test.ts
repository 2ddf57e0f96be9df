import { expect, it } from 'vitest'

import { startAppUnderTest } from '../../src/testing/app-under-test.js'
import { openTestRedis } from '../../src/testing/redis.js'

const SOON = { timeout: 30_000, interval: 100 }

it('a server with a Redis counts calls and live streams there', async () => {
  await using redis = openTestRedis()
  const settings = { GANTRY_ROLES: 'api', REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix }
  await using app = await startAppUnderTest(settings)
  const has = async (kind: string) => (await redis.client.keys(`${redis.prefix}:${kind}:*`)).length > 0
  const counted = async () => {
    await app.admin.rest('GET', '/api/projects')
    return has('calls')
  }
  await expect.poll(counted, SOON).toBe(true)
  // One that a slow Redis did not take is open all the same.
  const placed = async () => {
    await using _stream = await app.admin.stream('projects.onChange')
    await new Promise((resolve) => setTimeout(resolve, 100))
    return await has('places')
  }
  await expect.poll(placed, SOON).toBe(true)
  await expect.poll(() => has('places'), SOON).toBe(false)
})
