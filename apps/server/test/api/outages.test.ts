import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { detailedHealth, type DetailedHealth } from '@gantry/schemas'
import { createFleet, type Fleet } from '@gantry/virtual-printers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startRedisServer, type RedisServer } from '../../processes/redis-server.js'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.js'
import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'

/** What is gone shows everywhere within this time, and what is back as well. */
const SHOWN = { timeout: 10_000, interval: 250 }
const TOKEN = 'a token for those who watch'
const PROBE_EVERY_MS = 100

let dataDir: string
let postgres: EmbeddedPostgres
let redis: RedisServer
let virtual: Fleet
let app: AppUnderTest

const startPostgres = () => startEmbeddedPostgres({ dataDir, log: { info: () => undefined }, fast: true })

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gantry-outages-'))
  await chmod(dataDir, 0o755) // the database's own user must get through when this is run by root
  postgres = await startPostgres()
  redis = await startRedisServer()
  virtual = await createFleet({ octoprint: 1, moonraker: 1 })
  app = await startAppUnderTest({ DATABASE_URL: postgres.url, REDIS_URL: redis.url, METRICS_TOKEN: TOKEN })
  for (const { name, kind, url, apiKey } of virtual.printers)
    await app.admin.trpc.printers.create.mutate({ name, kind, url, apiKey })
}, 120_000)
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await virtual.stop()
  await redis.stop()
  await postgres.stop()
  await rm(dataDir, { recursive: true, force: true })
})

/** By the token: who is an admin cannot be found out without the database. */
const asked = (path: string) => fetch(app.url + path, { headers: { Authorization: `Bearer ${TOKEN}` } })

const detailed = async (): Promise<DetailedHealth> =>
  detailedHealth.parse(await (await asked('/health/detailed')).json())

const states = async () => {
  const { database, redis: redisPart, printers } = await detailed()
  return { database: database.status, redis: redisPart.status, printers: printers.status }
}
const health = async () => {
  const response = await fetch(`${app.url}/health`)
  return [response.status, ((await response.json()) as { status: string }).status]
}
const ready = async () => (await fetch(`${app.url}/ready`)).status
const gauges = async () => {
  const text = await (await asked('/metrics')).text()
  /** Of all of these labels together. */
  const sum = (name: string, labels = '') =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*${labels}[^}]*\\})? (.*)$`, 'gm'))].reduce(
      (all, [, value]) => all + Number(value),
      0,
    )
  return {
    database: sum('gantry_database_reachable'),
    redis: sum('gantry_cache_redis_connected'),
    connected: sum('gantry_printer_connections', 'link="connected"'),
  }
}
/** Of what was logged since. */
const logged = (from: number, text: string) => app.logLines.slice(from).some((line) => line.includes(text))

const ALL_WELL = { database: 'ok', redis: 'ok', printers: 'ok' }
const ALL_UP = { database: 1, redis: 1, connected: 2 }

/** Asks whether the process lives, again and again, until it is told to stop. @returns the answers that were not 200 */
const probing = () => {
  const wrong: unknown[] = []
  let asks = 0
  let isOver = false
  const run = async () => {
    while (!isOver) {
      const status = await fetch(`${app.url}/healthz`).then(
        (response) => response.status,
        (error: unknown) => String(error),
      )
      asks += 1
      if (status !== 200) wrong.push(status)
      await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS))
    }
    return { asks, wrong }
  }
  const running = run()
  return () => {
    isOver = true
    return running
  }
}

describe('an outage shows in the health, the metrics and the log within ten seconds', () => {
  it('of nothing, while nothing is wrong', async () => {
    await expect.poll(states, SHOWN).toEqual(ALL_WELL)
    await expect.poll(gauges, SHOWN).toEqual(ALL_UP)
    expect(await health()).toEqual([200, 'ok'])
  })

  it('of a printer that is unplugged, which leaves the server well', async () => {
    const from = app.logLines.length
    const [printer] = virtual.printers
    await printer?.host.goOffline()
    await expect.poll(states, SHOWN).toEqual({ ...ALL_WELL, printers: 'degraded' })
    expect((await detailed()).printers.detail).toMatchObject({ enabled: 2, connected: 1, disconnected: 1 })
    await expect.poll(gauges, SHOWN).toEqual({ ...ALL_UP, connected: 1 })
    await expect.poll(() => logged(from, 'the connection to a printer was lost'), SHOWN).toBe(true)
    expect(await health()).toEqual([200, 'ok'])
    await printer?.host.goOnline()
    await expect.poll(states, SHOWN).toEqual(ALL_WELL)
    await expect.poll(gauges, SHOWN).toEqual(ALL_UP)
    // Two lines, however often it was tried meanwhile.
    await expect.poll(() => logged(from, 'a printer is back'), SHOWN).toBe(true)
    expect(
      app.logLines
        .slice(from)
        .filter((line) => /"level":"warn".*"(printer host|the connection to a printer)/.test(line)),
    ).toHaveLength(1)
  })

  it('of Redis, which leaves the server ready', async () => {
    const from = app.logLines.length
    const { port } = redis
    const probe = probing()
    await redis.stop()
    await expect.poll(health, SHOWN).toEqual([200, 'degraded'])
    await expect.poll(states, SHOWN).toEqual({ ...ALL_WELL, redis: 'failed' })
    await expect.poll(gauges, SHOWN).toEqual({ ...ALL_UP, redis: 0 })
    await expect.poll(() => logged(from, '"check":"redis"'), SHOWN).toBe(true)
    expect(await ready()).toBe(200)
    redis = await startRedisServer({ port })
    await expect.poll(states, SHOWN).toEqual(ALL_WELL)
    await expect.poll(gauges, SHOWN).toEqual(ALL_UP)
    expect((await probe()).wrong).toEqual([])
  })

  it('of the database, which takes the server out of service and does not end it', async () => {
    const from = app.logLines.length
    const probe = probing()
    await postgres.stop()
    await expect.poll(health, SHOWN).toEqual([503, 'down'])
    await expect.poll(states, SHOWN).toMatchObject({ database: 'failed', redis: 'ok' })
    await expect.poll(async () => (await gauges()).database, SHOWN).toBe(0)
    await expect.poll(() => logged(from, '"check":"database"'), SHOWN).toBe(true)
    expect(await ready()).toBe(503)
    const { queues, outbox, printers, storage } = await detailed()
    expect([queues.status, outbox.status, storage.status]).toEqual(['failed', 'failed', 'ok'])
    expect(printers.detail?.enabled).toBeNull()
    postgres = await startPostgres()
    await expect.poll(health, SHOWN).toEqual([200, 'ok'])
    await expect.poll(states, { ...SHOWN, timeout: 20_000 }).toEqual(ALL_WELL)
    await expect.poll(async () => (await gauges()).database, SHOWN).toBe(1)
    const { asks, wrong } = await probe()
    expect(wrong).toEqual([])
    expect(asks).toBeGreaterThan(10)
  }, 90_000)
})
