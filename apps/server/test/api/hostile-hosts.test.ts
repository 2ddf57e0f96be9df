import type { RequestListener, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'

import { createFleet, type Fleet } from '@gantry/virtual-printers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { startWebSite } from '../../src/testing/odd-servers.js'

const KINDS = ['octoprint', 'moonraker'] as const
const JSON_TYPE = { 'Content-Type': 'application/json' }
const MARKUP = '<img src=x onerror="alert(1)">'
/** Connected, with a bed that nobody cleared yet. */
const AT_REST = ['finished', 'finished']
/** Far more than is read of any answer. */
const MOST_SENT_BYTES = 30_000_000

let app: AppUnderTest
let fleet: Fleet
let sentBytes = 0
let asked = 0

beforeAll(async () => {
  fleet = await createFleet({ octoprint: 1, moonraker: 1, speed: 50 })
  app = await startAppUnderTest()
  for (const { name, kind, url, apiKey } of fleet.printers)
    await app.admin.trpc.printers.create.mutate({ name, kind, url, apiKey })
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await fleet.stop()
})

const endless = (response: ServerResponse, part: string, everyMs: number | null) => {
  const next = () => {
    if (response.destroyed) return
    sentBytes += part.length
    const isTaken = response.write(part)
    if (everyMs !== null) setTimeout(next, everyMs)
    else if (isTaken) setImmediate(next)
    else response.once('drain', next)
  }
  next()
}

const answering =
  (body: string | Buffer, headers: Record<string, string> = JSON_TYPE): RequestListener =>
  (_request, response) =>
    void response.writeHead(200, headers).end(body)

/** What a host answers to whatever it is asked, and what registering it must tell. */
const HOSTS: [what: string, answer: RequestListener, code: string, codeOfMoonraker?: string][] = [
  [
    'an answer without end',
    (_request, response) => endless(response.writeHead(200, JSON_TYPE), '[1,'.repeat(20_000), null),
    'PRINTER_NOT_RECOGNISED',
  ],
  [
    'an answer that comes byte by byte',
    (_request, response) => endless(response.writeHead(200, JSON_TYPE), ' ', 100),
    'PRINTER_TIMEOUT',
    // Whose first word is a handshake, of which the status tells enough.
    'PRINTER_NOT_RECOGNISED',
  ],
  ['silence', () => undefined, 'PRINTER_TIMEOUT'],
  [
    'a compressed bomb',
    answering(gzipSync(Buffer.alloc(50_000_000)), { ...JSON_TYPE, 'Content-Encoding': 'gzip' }),
    'PRINTER_NOT_RECOGNISED',
  ],
  ['headers of 100 kB', answering('{}', { ...JSON_TYPE, 'X-A': 'x'.repeat(100_000) }), 'PRINTER_NOT_RECOGNISED'],
  [
    'a redirect',
    (_request, response) => void response.writeHead(302, { Location: `${app.url}/api/ping` }).end(),
    'PRINTER_NOT_RECOGNISED',
  ],
  ['a nest of 100,000 lists', answering(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), 'PRINTER_NOT_RECOGNISED'],
  ['wrong types', answering('{"text":7,"result":[],"session":{},"jsonrpc":null}'), 'PRINTER_NOT_RECOGNISED'],
  ['markup', answering(JSON.stringify({ text: MARKUP })), 'PRINTER_NOT_RECOGNISED'],
  ['a page', answering(`<html>${MARKUP}</html>`, { 'Content-Type': 'text/html' }), 'PRINTER_NOT_RECOGNISED'],
  ['bytes that are no text', answering(Buffer.from('ff00fe', 'hex')), 'PRINTER_NOT_RECOGNISED'],
]

const counted =
  (answer: RequestListener): RequestListener =>
  (request, response) => {
    asked += 1
    response.on('error', () => undefined)
    answer(request, response)
  }

const ownStates = async () => {
  const { items } = await app.admin.trpc.printers.list.query({ limit: 200 })
  return items.filter(({ name }) => /^(octoprint|moonraker)-1$/.test(name)).map(({ status }) => status.state)
}

describe('a printer host that answers with something hostile', () => {
  it.each(KINDS)('is cut off at a limit and told of, each in its way, when registered as %s', async (kind) => {
    const found = await Promise.all(
      HOSTS.map(async ([what, answer]) => {
        await using site = await startWebSite(counted(answer))
        const { error } = await app.admin.rest('POST', '/api/printers', { name: what, kind, url: site.url })
        return [what, error?.code, Object.keys(error?.fields ?? {})]
      }),
    )
    const codeFor = ([, , code, ofMoonraker = code]: (typeof HOSTS)[number]) =>
      kind === 'moonraker' ? ofMoonraker : code
    expect(found).toEqual(HOSTS.map((host) => [host[0], codeFor(host), ['url']]))
    expect(asked).toBeGreaterThanOrEqual(HOSTS.length)
    expect(sentBytes).toBeLessThan(MOST_SENT_BYTES)
    expect(app.logLines.filter((line) => line.includes('"INTERNAL"'))).toEqual([])
  })

  it('disturbs no other printer, although it is tried again and again', async () => {
    await expect.poll(ownStates, { timeout: 20_000 }).toEqual(AT_REST)
    const sites = await Promise.all(HOSTS.map(([, answer]) => startWebSite(counted(answer))))
    const before = asked
    await Promise.all(
      sites.flatMap(({ url }, index) =>
        KINDS.map((kind) =>
          app.admin.trpc.printers.create.mutate({ name: `${kind} ${index}`, kind, url, checkConnection: false }),
        ),
      ),
    )
    await expect.poll(() => asked - before, { timeout: 20_000 }).toBeGreaterThanOrEqual(2 * HOSTS.length)
    const seen: string[] = []
    for (let look = 0; look < 20; look += 1) {
      seen.push(...(await ownStates()))
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(new Set(seen)).toEqual(new Set(AT_REST))
    expect((await app.nobody.rest('GET', '/healthz')).status).toBe(200)
    for (const site of sites) await site[Symbol.asyncDispose]()
    expect(app.logLines.filter((line) => line.includes('"INTERNAL"') || line.includes('"fatal"'))).toEqual([])
  }, 60_000)
})

describe('markup that a printer host sends', () => {
  const statusOf = async (name: string) => {
    const { items } = await app.admin.trpc.printers.list.query({ limit: 200 })
    return items.find((printer) => printer.name === name)?.status
  }

  it.each(KINDS)('in the name of a file is text, as it was sent by %s', async (kind) => {
    const name = `${kind}-1`
    await fleet.printer(name).host.startAtPanel('<b onclick=x>.gcode', `G28\n${'G1 X10 E5 F3\n'.repeat(500)}`)
    await expect.poll(async () => (await statusOf(name))?.print?.fileName).toBe('<b onclick=x>.gcode')
    fleet.printer(name).machine.cancelAtPanel()
  })

  it.each(KINDS)('in an error is text, as it was sent by %s', async (kind) => {
    const name = `${kind}-1`
    fleet.printer(name).machine.emergencyStop(`Broken ${MARKUP}`)
    await expect.poll(async () => (await statusOf(name))?.attention?.text).toContain(MARKUP)
    const response = await fetch(`${app.url}/api/printers`, { headers: app.admin.headers })
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await response.text()).toContain(JSON.stringify(MARKUP).slice(1, -1))
  })
})
