import { Validator } from '@seriousme/openapi-schema-validator'
import { afterEach, describe, expect, it } from 'vitest'

import { startProbeServer, type ProbeServer } from '../testing/http-test-server.js'

const open: ProbeServer[] = []
const start = async (...args: Parameters<typeof startProbeServer>) => {
  const server = await startProbeServer(...args)
  open.push(server)
  return server
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

const as = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })

describe('stopping', () => {
  it('answers while it drains, but is not ready', async () => {
    const { url, drain } = await start()
    drain()
    expect((await fetch(`${url}/ready`)).status).toBe(503)
    const answer = await fetch(`${url}/api/ping`)
    expect([answer.status, answer.headers.get('connection')]).toEqual([200, 'close'])
  })

  it('lets an answer under way finish, closes idle connections and refuses new ones', async () => {
    let release = () => undefined as unknown
    const released = new Promise<void>((resolve) => (release = resolve))
    let entered = () => undefined as unknown
    const working = new Promise<void>((resolve) => (entered = resolve))
    const { url, stop } = await start({
      checks: [{ name: 'slow', required: true, check: () => (entered(), released) }],
    })
    const answer = fetch(`${url}/ready`)
    await working
    const stopped = stop()
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
    release()
    expect(((await (await answer).json()) as { checks: unknown }).checks).toEqual({ slow: 'ok' })
    await stopped
    await stop()
  })

  it('cuts off what does not end in time', async () => {
    const { url, stop } = await start({ timeouts: { stopMs: 50 } })
    const hanging = fetch(`${url}/api/hang`).catch(() => 'cut off')
    await expect.poll(async () => (await fetch(`${url}/healthz`)).status).toBe(200)
    await stop()
    expect(await hanging).toBe('cut off')
  })
})

describe('the metrics', () => {
  it('count requests by route and procedures by outcome, for admins only', async () => {
    const { url } = await start()
    await fetch(`${url}/api/things/one`, as('viewer'))
    await fetch(`${url}/api/things/missing`, as('viewer'))
    await fetch(`${url}/made/up/${Math.random()}`)
    expect((await fetch(`${url}/metrics`)).status).toBe(401)
    expect((await fetch(`${url}/metrics`, as('viewer'))).status).toBe(403)
    const text = await (await fetch(`${url}/metrics`, as('admin'))).text()
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/api/things/{id}",status="200"} 1')
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 1')
    expect(text).toContain(
      'gantry_procedure_duration_seconds_count{procedure="things.get",type="query",code="NOT_FOUND"} 1',
    )
    expect(text).toContain('gantry_live_streams 0')
  })

  it('are shown to the bearer of the token, and to nobody who guesses', async () => {
    const { url } = await start({ metricsToken: 'metrics-token-0123' })
    expect((await fetch(`${url}/metrics`, as('metrics-token-0123'))).status).toBe(200)
    expect((await fetch(`${url}/metrics`, as('metrics-token-0124'))).status).toBe(401)
  })
})

interface Document {
  openapi: string
  paths: Record<string, Record<string, { security: unknown; parameters: { name: string }[]; responses: object }>>
  components: { schemas: object }
}

describe('the API description', () => {
  it('is valid OpenAPI 3.1 with security, errors and date-times', async () => {
    const { url } = await start()
    const document = (await (await fetch(`${url}/api/openapi.json`)).json()) as Document
    const verdict = await new Validator().validate({ ...structuredClone(document) })
    expect(verdict).toMatchObject({ valid: true })
    expect(document.openapi).toBe('3.1.0')
    expect(document.paths['/ping']?.['get']).toMatchObject({ security: [], operationId: 'ping' })
    const things = document.paths['/things/{id}']?.['get']
    expect(things).toMatchObject({ security: [{ bearer: [] }], tags: ['things'] })
    expect(things?.parameters.map(({ name }) => name)).toEqual(['id', 'count', 'tags'])
    expect(Object.keys(things?.responses ?? {})).toEqual(['200', '400', '401', '403', '404', '429', 'default'])
    expect(JSON.stringify(things?.responses)).toContain('"format":"date-time"')
    expect(document.components.schemas).toHaveProperty('ErrorBody.properties.code.enum')
    expect(Object.keys(document.paths)).toContain('/files/{id}/content')
  })

  it('is for admins unless it is made public', async () => {
    const { url } = await start({ http: { docsPublic: false } })
    expect((await fetch(`${url}/api/openapi.json`)).status).toBe(401)
    expect((await fetch(`${url}/api/openapi.json`, as('viewer'))).status).toBe(403)
    expect((await fetch(`${url}/api/openapi.json`, as('admin'))).status).toBe(200)
  })

  it('has a page that needs nothing from elsewhere', async () => {
    const { url } = await start()
    const page = await fetch(`${url}/api/docs`)
    const html = await page.text()
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(html).not.toMatch(/https?:\/\//)
    const assets = [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path ?? '')
    expect(assets).toHaveLength(4)
    for (const path of assets) expect((await fetch(url + path)).status).toBe(200)
  })
})
