import { apiHealth, apiIndex, health, liveness, readiness } from '@gantry/schemas'
import { afterEach, describe, expect, it } from 'vitest'

import { startProbeServer, type ProbeServer } from '../../testing/http-test-server.js'
import type { HealthCheck } from './health-checks.js'

const open: ProbeServer[] = []
const start = async (...args: Parameters<typeof startProbeServer>) => {
  const server = await startProbeServer(...args)
  open.push(server)
  return server
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

const gone = () => Promise.reject(new Error('gone'))
const fine = () => Promise.resolve()
const database = (check: HealthCheck['check']): HealthCheck => ({ name: 'database', required: true, check })
const redis = (check: HealthCheck['check']): HealthCheck => ({ name: 'redis', required: false, check })
const as = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })

const asked = async (url: string, path: string, init?: RequestInit) => {
  const response = await fetch(url + path, init)
  const body = (await response.json()) as Record<string, unknown>
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body }
}

describe('the probes', () => {
  it('tell that the process lives, without asking the database', async () => {
    let calls = 0
    const { url } = await start({ checks: [database(() => ((calls += 1), gone()))] })
    const { status, body } = await asked(url, '/healthz')
    expect([status, liveness.parse(body).status, calls]).toEqual([200, 'ok', 0])
  })

  it('send nobody here, and say when to come again, while something required fails', async () => {
    const { url } = await start({ checks: [database(gone), redis(fine)] })
    const body = { status: 'unavailable', draining: false, checks: { database: 'failed', redis: 'ok' } }
    expect(await asked(url, '/ready')).toEqual({ status: 503, retryAfter: '1', body })
  })

  it('send nobody here while the server drains, although it answers', async () => {
    const { url, drain } = await start({ checks: [database(fine)] })
    expect(await asked(url, '/ready')).toMatchObject({ status: 200, retryAfter: null })
    drain()
    const body = { status: 'unavailable', draining: true, checks: { database: 'ok' } }
    expect(await asked(url, '/ready')).toEqual({ status: 503, retryAfter: '1', body })
    expect(await asked(url, '/health')).toMatchObject({ status: 200, body: { status: 'ok', draining: true } })
  })

  it('stay ready while something that is merely useful fails', async () => {
    const { url } = await start({ checks: [database(fine), redis(gone)] })
    const { status, body } = await asked(url, '/ready')
    expect([status, readiness.parse(body)]).toMatchObject([200, { status: 'degraded', checks: { redis: 'failed' } }])
  })

  it('count a check that does not come to an end as failed', async () => {
    const { url } = await start({ checks: [database(() => new Promise(() => undefined))] })
    expect(await asked(url, '/ready')).toMatchObject({ status: 503, body: { checks: { database: 'failed' } } })
  })
})

describe('the health', () => {
  it.each([
    ['ok', 200, [database(fine), redis(fine)]],
    ['degraded', 200, [database(fine), redis(gone)]],
    ['down', 503, [database(gone), redis(gone)]],
  ])('is %s with status %i', async (status, code, checks) => {
    const { url } = await start({ checks })
    const answer = await asked(url, '/health')
    expect([answer.status, health.parse(answer.body)]).toMatchObject([code, { status, version: '0.0.0' }])
  })

  it('costs many callers one check', async () => {
    let calls = 0
    const { url } = await start({ checks: [database(() => ((calls += 1), fine()))] })
    const paths = ['/health', '/ready', '/api/health', '/health', '/ready']
    await Promise.all([...paths, ...paths, ...paths].map((path) => asked(url, path)))
    expect(calls).toBe(1)
    // It is not kept for ever.
    await expect.poll(async () => (await asked(url, '/health'), calls)).toBeGreaterThan(1)
  })

  it('is logged when it changes, and not with every call', async () => {
    let isGone = true
    const { url, lines } = await start({ checks: [database(() => (isGone ? gone() : fine()))] })
    const said = () => lines.flatMap(({ msg, check }) => (check === undefined ? [] : [msg]))
    const status = async () => (await asked(url, '/health')).body['status']
    await expect.poll(status).toBe('down')
    isGone = false
    await expect.poll(status).toBe('ok')
    await status()
    expect(said()).toEqual(['health check failed', 'health check passes again'])
  })

  it('is told in detail to admins and the bearer of the token alone', async () => {
    const { url } = await start({ metricsToken: 'metrics-token-0123' })
    expect((await asked(url, '/health/detailed')).status).toBe(401)
    expect((await asked(url, '/health/detailed', as('metrics-token-0124'))).status).toBe(401)
    expect((await asked(url, '/health/detailed', as('operator'))).status).toBe(403)
    expect((await asked(url, '/health/detailed', as('admin'))).status).toBe(200)
    expect((await asked(url, '/health/detailed', as('metrics-token-0123'))).status).toBe(200)
  })
})

describe('clients of old', () => {
  it('read the health that they know', async () => {
    const { url } = await start({ checks: [database(fine), redis(gone)] })
    const { status, body } = await asked(url, '/api/health')
    const known = { status: 'ok', env: 'test', commit: null, version: '0.0.0' }
    expect([status, apiHealth.parse(body)]).toMatchObject([200, known])
    expect(Object.keys(body).sort()).toEqual(['commit', 'env', 'memory', 'status', 'uptime', 'version'])
  })

  it('are told when the server is of no use', async () => {
    const { url } = await start({ checks: [database(gone)] })
    expect(await asked(url, '/api/health')).toMatchObject({ status: 503, body: { status: 'down' } })
  })

  it('find everything from one place', async () => {
    const { url } = await start()
    const index = apiIndex.parse((await asked(url, '/api')).body)
    expect(index.versions).toEqual({ rest: '/api', trpc: '/trpc', v1: '/api/v1', v2: '/api/v2' })
    for (const path of [index.docs, index.openapi, index.health, index.metrics ?? '']) {
      expect((await fetch(url + path, as('admin'))).status).toBe(200)
    }
  })
})
