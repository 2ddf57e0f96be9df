import { createFleet, type Fleet } from '@gantry/virtual-printers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { closedPort, startBlackHole, startWebSite } from '../../src/testing/odd-servers.js'

let app: AppUnderTest
let fleet: Fleet

beforeAll(async () => {
  fleet = await createFleet({ octoprint: 1, moonraker: 1, requireApiKey: true })
  app = await startAppUnderTest()
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await fleet.stop()
})

const KINDS = ['octoprint', 'moonraker'] as const
type Kind = (typeof KINDS)[number]

const printerRows = async (server: AppUnderTest) =>
  Object.entries(await server.kept()).filter(([table]) => table.startsWith('printer') || table === 'idempotency_key')

const tried = async (server: AppUnderTest, printer: { kind: Kind; url: string; apiKey?: string }) => {
  const before = await printerRows(server)
  const { error } = await server.admin.rest('POST', '/api/printers', { name: 'A', ...printer })
  expect(await printerRows(server)).toEqual(before)
  return [error?.code, Object.keys(error?.fields ?? {})]
}

describe.each(KINDS)('registering a printer behind %s', (kind) => {
  const real = () => fleet.printer(`${kind}-1`)

  it('names the URL when nobody answers there', async () => {
    expect(await tried(app, { kind, url: await closedPort() })).toEqual(['PRINTER_UNREACHABLE', ['url']])
  })

  it('names the URL when something else answers there', async () => {
    await using site = await startWebSite()
    expect(await tried(app, { kind, url: site.url })).toEqual(['PRINTER_NOT_RECOGNISED', ['url']])
  })

  it('names the URL when the other kind of host answers there', async () => {
    const other = fleet.printer(kind === 'octoprint' ? 'moonraker-1' : 'octoprint-1')
    const [code] = await tried(app, { kind, url: other.url, apiKey: other.apiKey })
    expect(code).toBe('PRINTER_NOT_RECOGNISED')
  })

  it('names the key when it is wrong or missing', async () => {
    const { url } = real()
    expect(await tried(app, { kind, url, apiKey: 'wrong' })).toEqual(['PRINTER_AUTH_FAILED', ['apiKey']])
    expect(await tried(app, { kind, url })).toEqual(['PRINTER_AUTH_FAILED', ['apiKey']])
  })

  it('is refused without a word to the host where the address is not allowed', async () => {
    await using strict = await startAppUnderTest({ GANTRY_ROLES: 'api', PRINTER_ALLOW_LOOPBACK: 'false' })
    let asked = 0
    await using site = await startWebSite((_request, response) => {
      asked += 1
      response.end()
    })
    for (const url of [
      site.url,
      site.url.replace('127.0.0.1', 'localhost'),
      'http://169.254.169.254',
      'http://[::1]:80',
    ]) {
      expect([url, ...(await tried(strict, { kind, url }))]).toEqual([url, 'PRINTER_ADDRESS_REFUSED', ['url']])
    }
    expect(asked).toBe(0)
  })

  it('answers a repeated order as before, although the host is off by now, and not one with another key', async () => {
    const { url, apiKey, host } = real()
    const order = { name: `Again ${kind}`, kind, url, apiKey, idempotencyKey: `register-${kind}` }
    const first = await app.admin.rest('POST', '/api/printers', order)
    await host.goOffline()
    const second = await app.admin.rest('POST', '/api/printers', order)
    expect(second.body).toMatchObject({ id: (first.body as { id: string }).id })
    const { error } = await app.admin.rest('POST', '/api/printers', { ...order, apiKey: 'another' })
    expect(error?.code).toBe('IDEMPOTENCY_KEY_REUSED')
    await host.goOnline()
  })

  it('lets nobody see the key again, not in answers, rows, events or the log', async () => {
    const { url, apiKey } = real()
    const { admin, prisma } = app
    const created = await admin.rest('POST', '/api/printers', { name: `Secret ${kind}`, kind, url, apiKey })
    expect(created.body).toMatchObject({ hasApiKey: true })
    const { id } = created.body as { id: string }
    await using status = await admin.stream('printers.onStatus')
    await status.until((seen) =>
      seen.some(({ data }) => JSON.stringify(data).includes(id) && JSON.stringify(data).includes('"observed":"')),
    )
    const wrong = 'a-wrong-key-of-this-test'
    const refused = await admin.rest('PATCH', `/api/printers/${id}`, { apiKey: wrong })
    expect([refused.error?.code, Object.keys(refused.error?.fields ?? {})]).toEqual(['PRINTER_AUTH_FAILED', ['apiKey']])
    const again = await admin.rest('PATCH', `/api/printers/${id}`, { apiKey, url })
    expect(again.status).toBe(200)

    const rows = [
      await prisma.event.findMany(),
      await prisma.printer.findMany(),
      await prisma.idempotencyKey.findMany(),
      await prisma.outbox.findMany(),
    ]
    const told = [created.body, refused.body, again.body, status.seen, (await admin.rest('GET', '/api/printers')).body]
    const everything =
      JSON.stringify([rows, told], (_key, value: unknown) => (typeof value === 'bigint' ? '' : value)) +
      app.logLines.join('')
    expect(everything).toContain(id)
    expect([apiKey, wrong].filter((secret) => everything.includes(secret))).toEqual([])
  })
})

describe('a silent host that takes the connection', () => {
  it('is given up after ten seconds or so, with the URL named', async () => {
    await using hole = await startBlackHole()
    const began = performance.now()
    for (const answer of await Promise.all(KINDS.map((kind) => tried(app, { kind, url: hole.url })))) {
      expect(answer).toEqual(['PRINTER_TIMEOUT', ['url']])
    }
    expect(performance.now() - began).toBeLessThan(13_000)
  })
})

describe('a printer that is switched off', () => {
  it('is registered unchecked, and shows that it is offline and why', async () => {
    const { id } = await app.admin.trpc.printers.create.mutate({
      ...{ name: 'Off', kind: 'octoprint', url: await closedPort(), apiKey: 'unused', checkConnection: false },
    })
    await expect
      .poll(async () => (await app.admin.trpc.printers.get.query({ id })).status)
      .toMatchObject({ state: 'offline', dispatchable: false, attention: { severity: 'warning' } })
    const { error } = await app.admin.rest('POST', `/api/printers/${id}/pause`, {})
    expect([error?.code, error?.retryable]).toEqual(['PRINTER_UNREACHABLE', true])
  })
})

it('the key of a printer is sent to no other host than the one it was given for', async () => {
  const heard: unknown[] = []
  await using site = await startWebSite((request, response) => {
    heard.push(request.headers['x-api-key'] ?? null)
    response.end()
  })
  const host = { kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false } as const
  const { admin } = app
  const { id } = await admin.trpc.printers.create.mutate({ ...host, name: 'Keyed', apiKey: 'the key of the printer' })
  for (const checkConnection of [true, false]) {
    const moved = await admin.rest('PATCH', `/api/printers/${id}`, { url: site.url, checkConnection })
    expect([moved.error?.code, Object.keys(moved.error?.fields ?? {})]).toEqual(['VALIDATION_FAILED', ['apiKey']])
  }
  expect(heard).toEqual([])
  expect((await admin.trpc.printers.get.query({ id })).url).toBe(host.url)
  // On the same host it stays, and with a word on the key the printer moves.
  const path = await admin.rest('PATCH', `/api/printers/${id}`, { url: `${host.url}/octo`, checkConnection: false })
  expect(path.body).toMatchObject({ url: `${host.url}/octo`, hasApiKey: true })
  await admin.rest('PATCH', `/api/printers/${id}`, { url: site.url, apiKey: null })
  await admin.rest('PATCH', `/api/printers/${id}`, { url: site.url, apiKey: 'another key' })
  expect(heard).not.toContain('the key of the printer')
  expect(heard).toContain('another key')
})
