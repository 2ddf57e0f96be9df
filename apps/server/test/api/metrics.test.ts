import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { SystemMetrics } from '@gantry/schemas'
import { createFleet } from '@gantry/virtual-printers'
import { describe, expect, it } from 'vitest'

import { createApp } from '../../src/app.js'
import { configFrom } from '../../src/config/config.js'
import { newId } from '../../src/kernel/index.js'
import { PASSWORD, startAppUnderTest, uploaded, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { createTestDatabase } from '../../src/testing/database.js'
import { readExposition, type ReadFamily } from '../../src/testing/read-exposition.js'
import { zigzagGcode } from '../../src/testing/tiny-gcode.js'

const SOON = { timeout: 30_000, interval: 200 }
const VOLUME = { xMm: 250, yMm: 210, zMm: 210 }
const TOKEN = 'a token for metrics'
const OPEN_METRICS = { Accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' }

const scrape = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${url}/metrics`, { headers })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}

/** The value of one series; null: there is none. */
const valueIn = (families: Map<string, ReadFamily>, name: string, labels: Record<string, string> = {}) => {
  const samples = [...families.values()].flatMap((family) => family.samples)
  const fits = (found: Record<string, string>) =>
    Object.entries(labels).every(([label, value]) => found[label] === value)
  return samples.find((sample) => sample.name === name && fits(sample.labels))?.value ?? null
}

const look = async ({ url, admin }: AppUnderTest) => {
  const families = readExposition((await scrape(url, admin.headers)).text, 'prometheus')
  return (name: string, labels?: Record<string, string>) => valueIn(families, name, labels)
}

describe('a scrape', () => {
  it('tells of a print from the upload to the end, of printers, logins and the farm', async () => {
    await using fleet = await createFleet({ octoprint: 1, moonraker: 1, speed: 2_000, requireApiKey: true })
    await using app = await startAppUnderTest()
    const { rest, trpc } = app.admin
    for (const { name, kind, url, apiKey } of fleet.printers)
      await trpc.printers.create.mutate({ name, kind, url, apiKey, nozzleDiameterMm: 0.4, buildVolume: VOLUME })
    const [octoprint] = (await trpc.printers.list.query({})).items
    await trpc.printers.setMaterials.mutate({
      id: octoprint!.id,
      materials: [{ slot: 0, material: 'PLA', colorHex: null }],
    })
    await trpc.printers.clearBed.mutate({ id: octoprint!.id })
    const gcode = zigzagGcode(30)
    const { id: fileId } = await uploaded(app.admin, 'token.gcode', gcode)
    await trpc.printJobs.submit.mutate({ source: { fileId, copies: 2 } })
    const wrong = await rest('POST', '/api/auth/login', { email: 'admin@example.org', password: 'not the password' })
    expect(wrong.error?.code).toBe('INVALID_CREDENTIALS')

    await expect.poll(async () => (await look(app))('gantry_attempts_total', { result: 'completed' }), SOON).toBe(1)
    await expect.poll(async () => (await look(app))('gantry_dispatch_latency_seconds_count'), SOON).toBe(1)
    await expect.poll(async () => (await look(app))('gantry_filament_used_millimeters_total'), SOON).toBeGreaterThan(0)
    await expect.poll(async () => (await look(app))('gantry_printers', { state: 'finished' }), SOON).toBe(2)
    const value = await look(app)
    expect(value('gantry_print_wait_seconds_count')).toBe(1)
    expect(value('gantry_print_seconds_total')).toBeGreaterThan(0)
    expect(value('gantry_print_queue_copies')).toBe(1)
    expect(value('gantry_print_queue_oldest_age_seconds')).toBeGreaterThan(0)
    expect(value('gantry_printers', { state: 'offline' })).toBe(0)
    expect(value('gantry_attempts_active', { state: 'printing' })).toBe(0)
    expect(value('gantry_alarms_open', { code: 'HEATER_ON_IDLE' })).toBe(0)
    expect(value('gantry_outbox_oldest_age_seconds')).not.toBeNull()
    for (const kind of ['octoprint', 'moonraker']) {
      expect(value('gantry_printer_connections', { kind, link: 'connected' })).toBe(1)
      expect(value('gantry_printer_connects_total', { kind, outcome: 'ok' })).toBeGreaterThan(0)
    }
    expect(value('gantry_printers_silent')).toBe(0)
    expect(value('gantry_logins_total', { outcome: 'ok' })).toBe(1)
    expect(value('gantry_logins_total', { outcome: 'refused' })).toBe(1)
    expect(value('gantry_upload_bytes_total')).toBe(Buffer.byteLength(gcode))
    expect(value('gantry_database_reachable')).toBe(1)
    expect(value('gantry_database_pool_max', { database: 'leases' })).toBe(1)
    expect(value('http_request_duration_seconds_count', { route: '/api/files', status: '201' })).toBe(1)

    await fleet.printer('octoprint-1').host.goOffline()
    await expect
      .poll(async () => (await look(app))('gantry_printer_connections', { kind: 'octoprint', link: 'down' }), SOON)
      .toBe(1)
    await expect.poll(async () => (await look(app))('gantry_printers', { state: 'offline' }), SOON).toBe(1)
    const afterwards = await look(app)
    expect(afterwards('gantry_printer_disconnects_total', { kind: 'octoprint' })).toBeGreaterThan(0)
  }, 120_000)
})

/** The families that one format has and the other one has not. */
const differencesOf = async (url: string, headers: Record<string, string> = {}): Promise<string[]> => {
  const plain = readExposition((await scrape(url, headers)).text, 'prometheus')
  const open = readExposition((await scrape(url, { ...headers, ...OPEN_METRICS })).text, 'openmetrics')
  const names = [...plain].map(([name, { type }]) => (type === 'counter' ? name.replace(/_total$/, '') : name))
  return [...names.filter((name) => !open.has(name)), ...[...open.keys()].filter((name) => !names.includes(name))]
}

describe('metrics', () => {
  it('are given to admins and the bearer of the token, in the format that is asked for', async () => {
    await using app = await startAppUnderTest({ GANTRY_ROLES: 'api', METRICS_TOKEN: TOKEN })
    const bearer = { Authorization: `Bearer ${TOKEN}` }
    const plain = await scrape(app.url, bearer)
    expect([plain.status, plain.type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    const open = await scrape(app.url, { ...app.admin.headers, ...OPEN_METRICS })
    expect([open.status, open.type]).toEqual([200, 'application/openmetrics-text; version=1.0.0; charset=utf-8'])
    // What is counted by timers comes in the first moments.
    await expect.poll(async () => differencesOf(app.url, bearer), SOON).toEqual([])
    expect((await scrape(app.url)).status).toBe(401)
    expect((await scrape(app.url, { Authorization: 'Bearer another token, as long' })).status).toBe(401)
    expect((await scrape(app.url, (await app.logInAs('operator')).headers)).status).toBe(403)
    expect(app.metricsUrl).toBeNull()
  })

  it('have a port of their own, on which there are the probes and nothing else', async () => {
    await using app = await startAppUnderTest({ GANTRY_ROLES: 'api', METRICS_PORT: '0' })
    const own = app.metricsUrl!
    expect(new URL(own).hostname).toBe('127.0.0.1')
    expect([(await scrape(own)).status, (await scrape(own, OPEN_METRICS)).status]).toEqual([200, 200])
    await expect.poll(async () => differencesOf(own), SOON).toEqual([])
    expect((await fetch(`${own}/metrics`, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(`${own}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405)
    for (const path of ['/healthz', '/ready', '/health']) expect((await fetch(own + path)).status).toBe(200)
    for (const path of ['/', '/api/printers', '/trpc/auth.me', '/metrics/..', '/health/detailed', '/constructor'])
      expect((await fetch(own + path)).status).toBe(404)
    expect((await scrape(app.url)).status).toBe(401)
    await app.stop()
    await expect(fetch(own)).rejects.toThrow()
  })

  it('are collected nowhere when they are switched off', async () => {
    await using app = await startAppUnderTest({ ENABLE_METRICS: 'false', METRICS_PORT: '0', METRICS_TOKEN: TOKEN })
    expect(app.metricsUrl).toBeNull()
    expect((await scrape(app.url, { Authorization: `Bearer ${TOKEN}` })).status).toBe(404)
    expect((await app.admin.rest('GET', '/api/printers')).status).toBe(200)
  })

  it.each(['worker', 'fleet'])('of a process with the role %s alone are on its port', async (role) => {
    const database = await createTestDatabase()
    const dataDir = await mkdtemp(join(tmpdir(), 'gantry-metrics-'))
    const environment = { GANTRY_ROLES: role, DATABASE_URL: database.url, METRICS_PORT: '0' }
    const first = { GANTRY_ADMIN_EMAIL: 'admin@example.org', GANTRY_ADMIN_PASSWORD: PASSWORD }
    const app = createApp(configFrom({ ...environment, ...first }, dataDir), { logTo: { write: () => undefined } })
    try {
      const { url, metricsUrl } = await app.start()
      expect(url).toBeNull()
      const farm = () => scrape(metricsUrl!).then(({ text }) => readExposition(text, 'prometheus'))
      const isWorker = role === 'worker'
      await expect.poll(async () => (await farm()).has('gantry_printers'), SOON).toBe(isWorker)
      await expect.poll(async () => valueIn(await farm(), 'gantry_database_reachable'), SOON).toBe(1)
      const families = await farm()
      expect(families.has('gantry_printer_connections')).toBe(!isWorker)
      expect(valueIn(families, 'gantry_build_info', { roles: role })).toBe(1)
      const ready = await fetch(`${metricsUrl!}/ready`)
      expect([ready.status, await ready.json()]).toMatchObject([200, { status: 'ok', checks: { database: 'ok' } }])
    } finally {
      await app.stop()
      await rm(dataDir, { recursive: true, force: true })
      await database.drop()
    }
  })
})

describe('GET /api/metrics', () => {
  it('tells admins and the bearer of the token how the process and the farm do, over tRPC as well', async () => {
    await using app = await startAppUnderTest({ METRICS_TOKEN: TOKEN })
    await app.admin.trpc.printers.list.query({})
    expect((await app.admin.rest('GET', '/api/printers/prn_nobody')).status).toBeGreaterThanOrEqual(400)
    const printerId = newId('printer')
    await app.prisma.printer.create({
      data: { id: printerId, name: 'P1', kind: 'octoprint', url: 'http://a', enabled: false },
    })
    await app.prisma.printerRuntime.create({ data: { printerId } })
    const now = Date.now()
    const span = (state: string, from: number, to: number) => ({
      ...{ printerId, state, since: new Date(now - from * 1_000), until: new Date(now - to * 1_000) },
    })
    await app.prisma.printerStateSpan.createMany({ data: [span('printing', 4, 3), span('idle', 3, 0)] })

    const bearer = { Authorization: `Bearer ${TOKEN}` }
    const response = await fetch(`${app.url}/api/metrics`, { headers: bearer })
    expect(response.status).toBe(200)
    const { performance, cache, database, queues, business } = (await response.json()) as SystemMetrics
    expect(performance?.procedures.map(({ procedure }) => procedure)).toEqual(
      expect.arrayContaining(['auth.login', 'printers.list', 'printers.get']),
    )
    const refused = performance?.procedures.find(({ procedure }) => procedure === 'printers.get')
    expect(refused).toMatchObject({
      calls: 1,
      errors: 1,
      failures: 0,
      errorRate: 1,
      tookMs: { p50: expect.any(Number) as number },
    })
    expect(performance?.requests.calls).toBeGreaterThan(2)
    expect(cache.memory.answering).toBe(true)
    expect(database.primary.reachable).toBe(true)
    expect(queues?.['cleanup-records']).toMatchObject({ paused: false })
    expect(business).toEqual({
      ...{ usersActive: 1, printsToday: { started: 0, completed: 0, failed: 0, cancelled: 0 }, successRate: null },
      ...{ printers: { disabled: 1 }, queuedCopies: 0, oldestQueuedSeconds: 0, alarms: {} },
      printerUtilisation: expect.closeTo(0.25, 5) as number,
    })

    const overTrpc = await app.admin.trpc.system.metrics.query()
    expect(overTrpc).toMatchObject({ at: expect.any(Date) as Date, business: { usersActive: 1 } })
    expect((await app.admin.rest('GET', '/api/metrics')).status).toBe(200)
    const operator = await app.logInAs('operator')
    expect((await operator.rest('GET', '/api/metrics')).error?.code).toBe('FORBIDDEN')
    expect((await app.nobody.rest('GET', '/api/metrics')).error?.code).toBe('UNAUTHENTICATED')
    const elsewhere = await fetch(`${app.url}/api/printers`, { headers: bearer })
    expect(elsewhere.status).toBe(401)
  })

  it('says what it can where metrics are switched off', async () => {
    await using app = await startAppUnderTest({ GANTRY_ROLES: 'api', ENABLE_METRICS: 'false' })
    const { body } = await app.admin.rest('GET', '/api/metrics')
    expect(body).toMatchObject({ performance: null, database: { primary: { reachable: true } } })
  })
})
