import { expect, it } from 'vitest'

import { createTestDatabase } from '../../src/testing/database.js'
import { startAppUnderTest, type Caller } from '../../src/testing/app-under-test.js'
import { openTestRedis } from '../../src/testing/redis.js'

const group = async (caller: Caller, name: string) => {
  const { groups } = await caller.trpc.system.cacheStats.query()
  return groups.find((one) => one.group === name)
}

const QUERY = 'read files.list'

it('a server that has just begun has what was asked for most before anybody asks', { timeout: 60_000 }, async () => {
  const database = await createTestDatabase()
  await using _ = { [Symbol.asyncDispose]: () => database.drop() }
  const first = await startAppUnderTest({ DATABASE_URL: database.url, GANTRY_ROLES: 'api' })
  await first.admin.trpc.files.list.query({})
  await first[Symbol.asyncDispose]()

  await using second = await startAppUnderTest({ DATABASE_URL: database.url, GANTRY_ROLES: 'api' })
  await expect.poll(async () => (await group(second.admin, QUERY))?.loads, { interval: 50 }).toBe(1)
  await second.admin.trpc.files.list.query({})
  expect(await group(second.admin, QUERY)).toMatchObject({ loads: 1, memory: { hits: 1 } })
})

it('with Redis one warm-up serves all instances', { timeout: 60_000 }, async () => {
  await using redis = openTestRedis()
  const database = await createTestDatabase()
  await using _ = { [Symbol.asyncDispose]: () => database.drop() }
  const shared = { DATABASE_URL: database.url, REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix }
  const first = await startAppUnderTest({ ...shared, GANTRY_ROLES: 'api' })
  await first.admin.trpc.files.list.query({})
  await first[Symbol.asyncDispose]()

  await using worker = await startAppUnderTest({ ...shared, GANTRY_ROLES: 'api,worker' })
  await using other = await startAppUnderTest({ ...shared, GANTRY_ROLES: 'api' })
  await expect.poll(async () => (await group(worker.admin, QUERY))?.loads, { interval: 50 }).toBe(1)
  await other.admin.trpc.files.list.query({})
  expect(await group(other.admin, QUERY)).toMatchObject({ loads: 0, redis: { hits: 1 } })
})
