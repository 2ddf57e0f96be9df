import { describe, expect, it } from 'vitest'

import { startAppUnderTest } from '../../src/testing/app-under-test.js'
import { startRedisServer } from '../../processes/redis-server.js'
import { openTestRedis } from '../../src/testing/redis.js'

describe('the cache of a server', () => {
  it('is shown to admins alone, over tRPC, REST and metrics', async () => {
    await using redis = openTestRedis()
    await using app = await startAppUnderTest({ GANTRY_ROLES: 'api', REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix })
    await expect
      .poll(async () => (await app.admin.trpc.system.cacheStats.query()).redis)
      .toMatchObject({ inStep: true })
    expect((await app.admin.rest('GET', '/api/system/cache')).body).toMatchObject({
      strategy: 'simple',
      memory: { maxEntries: 10_000, answering: true },
      redis: { connected: true, breaker: 'closed', inStep: true },
    })
    expect((await app.admin.rest('GET', '/metrics')).body).toContain('gantry_cache_breaker_state 0')
    const operator = await app.logInAs('operator')
    expect((await operator.rest('GET', '/api/system/cache')).error?.code).toBe('FORBIDDEN')
    expect((await app.nobody.rest('GET', '/api/system/cache')).error?.code).toBe('UNAUTHENTICATED')
  })

  it('takes another strategy from an admin alone, and only one that there is', async () => {
    await using app = await startAppUnderTest({ GANTRY_ROLES: 'api', CACHE_STRATEGY: 'swr' })
    const strategy = async () => (await app.admin.trpc.system.cacheStats.query()).strategy
    expect(await strategy()).toBe('swr')
    await app.admin.trpc.system.setCacheStrategy.mutate({ strategy: 'simple' })
    expect(await strategy()).toBe('simple')
    expect((await app.admin.rest('PUT', '/api/system/cache/strategy', { strategy: 'swr' })).error).toBeNull()
    expect(await strategy()).toBe('swr')
    const wrong = await app.admin.rest('PUT', '/api/system/cache/strategy', { strategy: 'none' })
    expect(wrong.error).toMatchObject({ code: 'VALIDATION_FAILED', fields: { strategy: [expect.any(String)] } })
    const operator = await app.logInAs('operator')
    const refused = await operator.rest('PUT', '/api/system/cache/strategy', { strategy: 'simple' })
    expect([refused.error?.code, await strategy()]).toEqual(['FORBIDDEN', 'swr'])
  })

  it('does without a Redis that is not there, and says so', async () => {
    const { url, stop } = await startRedisServer({ password: 'hunter2' })
    await stop()
    await using app = await startAppUnderTest({ GANTRY_ROLES: 'api', REDIS_URL: url.replace('//', '//:hunter2@') })
    const ready = await app.nobody.rest('GET', '/ready')
    expect([ready.status, ready.body]).toMatchObject([200, { status: 'degraded', checks: { redis: 'failed' } }])
    const stats = await app.admin.trpc.system.cacheStats.query()
    expect(stats).toMatchObject({ memory: { answering: true }, redis: { connected: false, inStep: false } })
    await expect.poll(() => app.logLines.join('')).toContain('Redis cannot be reached')
    expect(app.logLines.join('')).not.toContain('hunter2')
  })
})
