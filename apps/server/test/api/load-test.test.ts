import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { drive } from '../../bench/loadtest/drive.js'
import { Side } from '../../bench/loadtest/measure.js'
import { failuresOf, statisticsOf } from '../../bench/loadtest/statistics.js'
import { sourceArguments } from '../../bench/server-process.js'
import { PASSWORD, startAppUnderTest, uploaded, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { TINY_GCODE } from '../../src/testing/tiny-gcode.js'

let app: AppUnderTest
beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_ROLES: 'api' })
  const printer = { kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false } as const
  for (const name of ['One', 'Two']) await app.admin.trpc.printers.create.mutate({ ...printer, name })
  const file = await uploaded(app.admin, 'tiny.gcode', TINY_GCODE)
  await app.admin.trpc.printJobs.submit.mutate({ source: { fileId: file.id, copies: 1 } })
})
afterAll(() => app[Symbol.asyncDispose]())

const ADMIN = { email: 'admin@example.org', password: PASSWORD }
const signal = new AbortController().signal
const tokenOf = ({ headers }: { headers: Record<string, string> }) => headers['Authorization']?.slice(7) ?? ''

/** As a user runs it. */
const loadtest = async (...options: string[]) => {
  const child = spawn(process.execPath, sourceArguments('./loadtest/main.ts').concat(options))
  let [out, errors] = ['', '']
  child.stdout.on('data', (text: Buffer) => (out += text.toString()))
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()))
  const [exitCode] = (await once(child, 'close')) as [number]
  return { exitCode, out, errors }
}

const closedPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}

describe('a short load on a real server', () => {
  it('fails nowhere, and changes exactly what it counts as changed', async () => {
    const jobsBefore = await app.prisma.printJob.count()
    const side = await Side.open({ ...{ url: app.url, people: [ADMIN], connections: 4, signal }, writes: 'farm' })
    const { statistics, costs } = await side.round(2)
    expect(statistics.requests).toBeGreaterThan(0)
    expect(failuresOf(statistics)).toBe(0)
    const count = (kind: string) => statistics.kinds.get(kind)?.requests ?? 0
    expect([...statistics.kinds.values()].reduce((sum, { requests }) => sum + requests, 0)).toBe(statistics.requests)
    expect(await app.prisma.printJob.count()).toBe(jobsBefore + count('printJobs.submit'))
    const versions = await app.prisma.printer.findMany({ select: { version: true } })
    const edits = versions.reduce((sum, { version }) => sum + version - 1, 0)
    expect(edits).toBe(count('PATCH /api/printers/{id}'))
    expect(costs.cpuMs).toBeGreaterThan(0)
    expect(costs.rssBytes).toBeGreaterThan(0)
  })

  it('counts a request as failed exactly when the server refused it', async () => {
    const viewer = await app.logInAs('viewer')
    await viewer.trpc.auth.logout.mutate()
    const before = await refusals()
    let [asked, revoked] = [0, 0]
    const next = () => {
      const isRevoked = (asked += 1) % 3 === 0
      if (isRevoked) revoked += 1
      const token = tokenOf(isRevoked ? viewer : app.admin)
      return { kind: 'auth.me', method: 'GET', path: '/trpc/auth.me', body: null, token } as const
    }
    const statistics = statisticsOf([await drive({ url: app.url, connections: 3, seconds: 1, next, signal })])
    expect(revoked).toBeGreaterThan(0)
    expect(statistics.requests).toBe(asked)
    expect(Object.fromEntries(statistics.errors)).toEqual({ 401: revoked })
    await expect.poll(refusals).toBe(before + revoked)
  })
})

/** By the server's own count. */
const refusals = async (): Promise<number> => {
  const { body } = await app.admin.rest('GET', '/metrics')
  const counts = String(body).matchAll(/^http_request_duration_seconds_count\{.*status="401".*\} (\d+)$/gm)
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0)
}

describe('npm run loadtest at a running server', () => {
  it('prints what it cost, and leaves nothing of what it made', async () => {
    const projects = () => app.prisma.project.count({ where: { removedAt: null } })
    const options = ['--url', app.url, '--token', tokenOf(app.admin), '--seconds', '3', '--connections', '4']
    const { exitCode, out } = await loadtest(...options, '--writes')
    expect(exitCode).toBe(0)
    expect(out).toMatch(/^ {2}response, p99 +[\d.]+ ms$/m)
    expect(out).toMatch(/^ {2}failed requests +0 %$/m)
    expect(await app.prisma.project.count()).toBeGreaterThan(0)
    expect(await projects()).toBe(0)
  })

  it('ends with 1 when requests failed, and says why', async () => {
    await using limited = await startAppUnderTest({ GANTRY_ROLES: 'api', RATE_LIMIT_PER_MINUTE: '20' })
    const { exitCode, out, errors } = await loadtest(
      '--url',
      limited.url,
      '--token',
      tokenOf(limited.admin),
      '--seconds',
      '1',
    )
    expect(exitCode).toBe(1)
    expect(out).toContain('failed requests')
    expect(errors).toMatch(
      /: (\d+) of \d+ requests failed: \1 × 429 \(RATE_LIMIT_PER_MINUTE of the server is in the way\)\./,
    )
  })

  it('ends with 1 when there is no server or it accepts nobody, and with 2 when an option is wrong', async () => {
    const nowhere = `http://127.0.0.1:${await closedPort()}`
    const runs = [
      await loadtest('--url', nowhere, '--token', 'none'),
      await loadtest('--url', app.url, '--token', 'none'),
      await loadtest('--seconds', 'many'),
    ]
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([1, 1, 2])
    const [unreachable, refused, misused] = runs.map(({ errors }) => errors)
    expect(unreachable).toContain(`The load test failed: ${nowhere} cannot be reached: connect ECONNREFUSED`)
    expect(refused).toContain(`The load test failed: ${app.url} does not accept the token.`)
    expect(misused).toContain('--seconds must be a whole number from 1 to 300.')
  })
})
