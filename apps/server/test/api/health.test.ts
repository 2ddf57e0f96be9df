import { setTimeout as sleep } from 'node:timers/promises'

import { detailedHealth, health } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'

const COMMIT = '0123456789abcdef0123456789abcdef01234567'

let app: AppUnderTest
beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_ROLES: 'api,fleet', GANTRY_COMMIT: COMMIT, NODE_ENV: 'test' })
})
afterAll(() => app[Symbol.asyncDispose]())

const LONGER_THAN_KEPT_MS = 1_200

const ready = async () => {
  const response = await fetch(`${app.url}/ready`)
  return [response.status, ((await response.json()) as { checks: object }).checks]
}
const detailed = async () => detailedHealth.parse((await app.admin.rest('GET', '/health/detailed')).body)

describe('the health of a server', () => {
  it('is shown to everybody, without anything that is secret', async () => {
    const { status, body } = await app.nobody.rest('GET', '/health')
    expect(status).toBe(200)
    expect(health.strict().parse(body)).toMatchObject({
      ...{ status: 'ok', draining: false, checks: { database: 'ok', migrations: 'ok' } },
    })
    expect((await app.nobody.rest('GET', '/api/health')).body).toMatchObject({ env: 'test', commit: COMMIT })
    expect((await app.nobody.rest('GET', '/health/detailed')).error?.code).toBe('UNAUTHENTICATED')
    expect((await (await app.logInAs('operator')).rest('GET', '/health/detailed')).error?.code).toBe('FORBIDDEN')
  })

  it('is shown in detail to an admin', async () => {
    const seen = await detailed()
    expect(detailedHealth.strict().parse(seen)).toEqual(seen)
    const { database, redis, storage, outbox, queues } = seen
    expect(seen).toMatchObject({ roles: ['api', 'fleet'], env: 'test', commit: COMMIT })
    expect([database.status, redis.status, storage.status, outbox.status]).toEqual(['ok', 'off', 'ok', 'ok'])
    expect(database.detail?.primary.pool.max).toBe(10)
    expect(storage.detail?.freeBytes).toBeGreaterThan(0)
    expect(queues.detail?.queues).toHaveProperty('cleanup-tokens.lagSeconds')
    expect(seen.memory.rss).toBeGreaterThan(0)
  })

  it('tells for how long an order has been due that nobody handed over', async () => {
    await app.prisma.outbox.create({
      data: {
        id: 'ob_late',
        type: 'NOBODY_KNOWS',
        version: 1,
        payload: {},
        availableAt: new Date(Date.now() - 90_000),
      },
    })
    const { outbox } = await detailed()
    await app.prisma.outbox.delete({ where: { id: 'ob_late' } })
    expect(outbox.status).toBe('degraded')
    expect(outbox.detail?.oldestDueSeconds).toBeGreaterThanOrEqual(90)
  })

  it('counts a printer that nobody can reach, and forgets one that is taken away', async () => {
    const host = { kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false } as const
    const { id } = await app.admin.trpc.printers.create.mutate({ ...host, name: 'Away' })
    await expect.poll(async () => (await detailed()).printers.detail).toMatchObject({ enabled: 1, disconnected: 1 })
    await app.admin.trpc.printers.remove.mutate({ id })
    expect((await detailed()).printers.detail).toEqual({ enabled: 0, connected: 0, disconnected: 0, stale: 0 })
  })
})

describe('a server whose database lacks migrations', () => {
  it('is not ready until they are there', async () => {
    const [last] = await app.prisma.$queryRaw<{ id: string; name: string }[]>`
      select id, migration_name as name from _prisma_migrations order by migration_name desc limit 1`
    const record = async (checksum: string) =>
      app.prisma.$executeRaw`update _prisma_migrations set checksum = ${checksum} where id = ${last?.id}`
    const [{ checksum } = { checksum: '' }] = await app.prisma.$queryRaw<{ checksum: string }[]>`
      select checksum from _prisma_migrations where id = ${last?.id}`
    expect(await ready()).toEqual([200, { database: 'ok', migrations: 'ok' }])
    await record('another')
    await expect.poll(ready).toEqual([503, { database: 'ok', migrations: 'failed' }])
    expect((await fetch(`${app.url}/health`)).status).toBe(503)
    expect(app.logLines.join('')).toContain(`the database lacks ${last?.name}`)
    await record(checksum)
    await expect.poll(ready).toEqual([200, { database: 'ok', migrations: 'ok' }])
  })

  it('does not mind what a newer version applies, or is about to', async () => {
    await app.prisma.$executeRaw`
      insert into _prisma_migrations (id, checksum, migration_name, started_at)
      values ('newer', 'x', '99991231000000_newer', now())`
    await sleep(LONGER_THAN_KEPT_MS)
    expect((await ready())[0]).toBe(200)
    await app.prisma.$executeRaw`delete from _prisma_migrations where id = 'newer'`
  })
})
