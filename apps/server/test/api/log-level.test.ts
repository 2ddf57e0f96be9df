import { describe, expect, it, vi } from 'vitest'

import { startAppUnderTest } from '../../src/testing/app-under-test.js'

describe('the level of the log', () => {
  it('is raised by an admin for some minutes, on every instance, and stands in the record of events', async () => {
    await using first = await startAppUnderTest({ LOG_LEVEL: 'warn' })
    await using second = await startAppUnderTest({ LOG_LEVEL: 'warn', DATABASE_URL: first.databaseUrl })
    const { system } = first.admin.trpc
    expect(await system.logLevel.query()).toEqual({ level: 'warn', configured: 'warn', until: null })
    const isLogged = async ({ nobody, logLines }: typeof first, id: string) => {
      await nobody.rest('GET', `/healthz?id=${id}`)
      // Written when the answer is gone.
      await nobody.rest('GET', '/healthz')
      return logLines.some((line) => line.includes('"msg":"request"'))
    }
    expect([await isLogged(first, 'a'), await isLogged(second, 'a')]).toEqual([false, false])

    const state = await system.setLogLevel.mutate({ level: 'debug', minutes: 5 })
    expect(state).toMatchObject({ level: 'debug', configured: 'warn' })
    expect(Math.round(((state.until?.getTime() ?? 0) - Date.now()) / 60_000)).toBe(5)
    expect(await isLogged(first, 'b')).toBe(true)
    await vi.waitUntil(async () => isLogged(second, 'b'), { timeout: 10_000 })
    expect((await second.admin.trpc.system.logLevel.query()).level).toBe('debug')
    const records = await first.prisma.event.findMany({ where: { type: 'log_level.changed' } })
    expect(records).toMatchObject([{ actorId: expect.stringMatching(/^usr_/) as string, payload: { level: 'debug' } }])
  })

  it('is read and changed over REST as well, by admins alone, within bounds', async () => {
    await using app = await startAppUnderTest({ LOG_LEVEL: 'info' })
    const { admin } = app
    const put = (body: unknown) => admin.rest('PUT', '/api/system/log-level', body)
    expect((await put({ level: 'error', minutes: 1 })).body).toMatchObject({ level: 'error' })
    expect((await admin.rest('GET', '/api/system/log-level')).body).toMatchObject({
      level: 'error',
      configured: 'info',
    })
    for (const wrong of [
      { level: 'debug', minutes: 0 },
      { level: 'debug', minutes: 121 },
      { level: 'silent', minutes: 1 },
    ])
      expect((await put(wrong)).error?.code).toBe('VALIDATION_FAILED')
    const operator = await app.logInAs('operator')
    const refused = await operator.rest('PUT', '/api/system/log-level', { level: 'debug', minutes: 1 })
    expect(refused.error?.code).toBe('FORBIDDEN')
  })
})
