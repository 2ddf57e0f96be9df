import { randomBytes } from 'node:crypto'

import type { DatabaseHealth } from '@gantry/schemas'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { startReplicatedPostgres, type ReplicatedPostgres } from '../../processes/replicated-postgres.js'
import { startAppUnderTest, type AppUnderTest, type Caller } from '../../src/testing/app-under-test.js'
import { openTestRedis, type TestRedis } from '../../src/testing/redis.js'

let servers: ReplicatedPostgres
let redis: TestRedis
/** Two instances on one primary, its replicas and one Redis. */
let here: AppUnderTest
let there: AppUnderTest

beforeAll(async () => {
  servers = await startReplicatedPostgres()
  redis = openTestRedis()
  const environment = {
    ...{ GANTRY_ROLES: 'api', DATABASE_URL: servers.primary.url },
    ...{ READ_REPLICA_URLS: servers.replicas.map(({ url }) => url).join(','), REPLICA_MAX_LAG_MS: '60000' },
    ...{ REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix },
    // Who has logged in on one instance is known on the other.
    GANTRY_SECRET_KEY: randomBytes(32).toString('base64'),
  }
  here = await startAppUnderTest(environment)
  there = await startAppUnderTest(environment)
})
afterAll(async () => {
  await here[Symbol.asyncDispose]()
  await there[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  await servers.stop()
})

const replay = (action: 'pause' | 'resume') =>
  Promise.all(servers.replicas.map((one) => one.asAdmin((to) => to.query(`select pg_wal_replay_${action}()`))))

const as = (caller: Caller, app: AppUnderTest) => async (): Promise<string[]> => {
  const input = encodeURIComponent('{"json":{}}')
  const answer = await fetch(`${app.url}/trpc/printers.list?input=${input}`, { headers: caller.headers })
  const { result } = (await answer.json()) as { result: { data: { json: { items: { name: string }[] } } } }
  return result.data.json.items.map(({ name }) => name)
}

const servedBy = async (app: AppUnderTest): Promise<Record<string, number>> => {
  const { body } = await app.admin.rest('GET', '/metrics')
  const counts = [...String(body).matchAll(/gantry_database_reads_total\{served_by="(\w+)"\} (\d+)/g)]
  return Object.fromEntries(counts.map(([, by = '', count]) => [by, Number(count)]))
}

it('lists that are kept show at once, to everybody, what was changed, although the replicas do not show it yet', async () => {
  const reader = await here.logInAs('viewer')
  await expect
    .poll(async () => (await here.admin.trpc.system.databaseHealth.query()).replicas)
    .toMatchObject([...[{ state: 'usable' }, { state: 'usable' }]])
  const readsFromReplicas = async () => {
    await as(reader, here)()
    return (await servedBy(here))['replica']
  }
  await expect.poll(readsFromReplicas).toBeGreaterThan(0)
  await replay('pause')
  let wrong = 0
  try {
    for (let n = 1; n <= 10; n += 1) {
      const name = `Printer ${n}`
      const { id } = await here.admin.trpc.printers.create.mutate({
        ...{ name, kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false },
      })
      for (const list of [as(here.admin, here), as(reader, here)]) if ((await list())[0] !== name) wrong += 1
      // The other instance has to hear of it first, by way of the database or of Redis.
      await expect.poll(as(reader, there), { interval: 5, timeout: 2_000 }).toContain(name)
      await here.admin.trpc.printers.remove.mutate({ id })
      if ((await as(reader, here)()).includes(name)) wrong += 1
    }
  } finally {
    await replay('resume')
  }
  expect(wrong).toBe(0)
  expect((await servedBy(here))['primary_fresh']).toBeGreaterThan(0)
})

it('how the database and its replicas do is shown to admins alone', async () => {
  const { body } = await here.admin.rest('GET', '/api/system/database')
  expect(body).toMatchObject({
    primary: { reachable: true, pool: { max: 10 } },
    replicas: [{ state: 'usable' }, { state: 'usable' }],
    maxLagSeconds: 60,
  })
  const { primary, replicas } = body as DatabaseHealth
  expect(primary.latencySeconds).toBeGreaterThan(0)
  for (const { lagSeconds } of replicas) expect(lagSeconds).toBeGreaterThanOrEqual(0)
  expect(JSON.stringify(body)).not.toMatch(/gantry:|password/)
  expect((await here.admin.rest('GET', '/metrics')).body).toContain('gantry_database_replicas_usable 2')
  const operator = await here.logInAs('operator')
  expect((await operator.rest('GET', '/api/system/database')).error?.code).toBe('FORBIDDEN')
  expect((await here.nobody.rest('GET', '/api/system/database')).error?.code).toBe('UNAUTHENTICATED')
})
