import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { createGantryClient, type GantryClient, type StreamEnd } from '@gantry/client'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { callerOf, PASSWORD } from '../../src/testing/app-under-test.js'
import { createTestDatabase, type TestDatabase } from '../../src/testing/database.js'
import { ReadyBalancer } from '../../src/testing/ready-balancer.js'
import { sendSteadily } from '../../src/testing/steady-requests.js'
import { TINY_GCODE } from '../../src/testing/tiny-gcode.js'
import { ServerProcesses, terminated, type ServerProcess } from './server-process.js'

const EMAIL = 'admin@gantry.local'
/** As many as one user may hold open at one server. */
const STREAMS = 20
const PER_SECOND = 40
const ORDER_EVERY_MS = 100
const SOON = { timeout: 30_000, interval: 50 }

let dataDir: string
let database: TestDatabase
let servers: ServerProcesses
let balancer: ReadyBalancer
const running: { url: string; process: ServerProcess }[] = []

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gantry-shutdown-'))
  database = await createTestDatabase()
  servers = new ServerProcesses(dataDir)
  // One after the other: the first one makes the keys and the account that both use.
  for (const _ of ['one', 'other']) {
    const process = servers.start({
      ...{ DATABASE_URL: database.url, GANTRY_ROLES: 'api', GANTRY_ADMIN_PASSWORD: PASSWORD },
      ...{ RATE_LIMIT_PER_MINUTE: '1000000', SHUTDOWN_DRAIN_SECONDS: '2' },
    })
    running.push({ url: await process.ready(), process })
  }
  balancer = await ReadyBalancer.start(
    running.map(
      ({ url }) =>
        () =>
          url,
    ),
  )
}, 120_000)
afterAll(async () => {
  await balancer[Symbol.asyncDispose]()
  await servers.killAll()
  await database.drop()
  await rm(dataDir, { recursive: true, force: true })
})

interface Watcher {
  /** The names of the jobs that were told, in the order in which they were. */
  told: string[]
  cursors: (string | null)[]
  snapshots: number
  connections: number
  end: StreamEnd | null
  stop: () => void
}

const watch = (gantry: GantryClient): Watcher => {
  const watcher: Watcher = {
    ...{ told: [], cursors: [], snapshots: 0, connections: 0, end: null, stop: () => undefined },
  }
  watcher.stop = gantry.printJobs.onChange({
    onData: (event, cursor) => {
      watcher.cursors.push(cursor)
      if (event.type === 'changed') watcher.told.push(event.job.name)
      else watcher.snapshots += 1
    },
    onConnection: ({ state }) => {
      if (state === 'open') watcher.connections += 1
    },
    onEnd: (end) => (watcher.end = end),
  })
  return watcher
}

const client = () =>
  createGantryClient({
    url: balancer.url,
    email: EMAIL,
    password: PASSWORD,
    reconnect: { delayMs: 50, maxDelayMs: 500 },
  })

/** Orders job after job, which nobody prints. @returns a stop that gives their names */
const orderSteadily = async (gantry: GantryClient) => {
  const file = await gantry.files.upload(new Blob([TINY_GCODE]), { name: 'tiny.gcode' })
  const names: string[] = []
  let isOver = false
  const order = async () => {
    while (!isOver) {
      const name = `number ${names.length + 1}`
      await gantry.printJobs.submit({ source: { fileId: file.id, copies: 1, name } })
      names.push(name)
      await sleep(ORDER_EVERY_MS)
    }
    return names
  }
  const ordering = order()
  return () => {
    isOver = true
    return ordering
  }
}

it('is stopped behind a balancer: every request is answered, and every stream goes on elsewhere without a gap', async () => {
  await expect.poll(() => balancer.readyCount, SOON).toBe(2)
  const orderer = client()
  const { accessToken } = await callerOf(balancer.url, {}).trpc.auth.login.mutate({ email: EMAIL, password: PASSWORD })
  const watched = client()
  const watchers = Array.from({ length: STREAMS }, () => watch(watched))
  await expect.poll(() => watchers.filter(({ snapshots }) => snapshots === 1).length, SOON).toBe(STREAMS)
  const requests = sendSteadily({
    ...{ url: balancer.url, headers: { Authorization: `Bearer ${accessToken}` }, perSecond: PER_SECOND },
    paths: ['/api/printers', '/api/system', '/api/print-jobs', '/api/alarms'],
  })
  const stopOrdering = await orderSteadily(orderer)
  await sleep(1_000)

  const [first] = running
  const { ending, seconds } = first === undefined ? { ending: null, seconds: 0 } : await terminated(first.process)
  expect(ending).toBe(0)
  expect(seconds).toBeLessThan(25)
  expect(balancer.readyCount).toBe(1)

  await sleep(1_000)
  const names = await stopOrdering()
  await expect.poll(() => watchers.filter(({ told }) => told.length >= names.length).length, SOON).toBe(STREAMS)
  const { answered, failures } = await requests.stop()
  expect(failures.slice(0, 5)).toEqual([])
  expect(answered).toBeGreaterThan(3 * PER_SECOND)
  for (const { told, cursors, snapshots, end } of watchers) {
    expect([told, new Set(cursors).size, snapshots, end]).toEqual([names, cursors.length, 1, null])
  }
  // Some of them were at the server that was stopped.
  expect(watchers.filter(({ connections }) => connections > 1).length).toBeGreaterThan(0)
  for (const { stop } of watchers) stop()
}, 120_000)
