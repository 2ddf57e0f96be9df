import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { createTestDatabase } from '../../src/testing/database.js'
import { startReportSink } from '../../src/testing/report-sink.js'
import { ServerProcesses } from './server-process.js'

let dataDir: string
let servers: ServerProcesses
let database: Awaited<ReturnType<typeof createTestDatabase>>

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gantry-last-'))
  servers = new ServerProcesses(dataDir)
  database = await createTestDatabase()
})
afterEach(async () => {
  await servers.killAll()
  await database.drop()
  await rm(dataDir, { recursive: true, force: true })
})

interface Line {
  level: string
  msg: string
  fatal?: boolean
  origin?: string
  err?: { message: string }
}

/** A server in which this happens when it gets SIGUSR2. */
const startFaulty = (happens: string, settings: Record<string, string> = {}) => {
  const code = `process.once('SIGUSR2', () => { ${happens} })`
  return servers.start({
    ...{ DATABASE_URL: database.url, PRINTER_ALLOW_LOOPBACK: 'true' },
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
    ...settings,
  })
}

const crashed = async (happens: string, settings: Record<string, string> = {}) => {
  const server = startFaulty(happens, settings)
  await server.ready()
  const began = performance.now()
  server.child.kill('SIGUSR2')
  const code = await server.over
  const lines = server
    .terminal()
    .split('\n')
    .filter((text) => text.startsWith('{"level"'))
  const fatal = lines.map((text) => JSON.parse(text) as Line).filter((line) => line.fatal)
  return { code, seconds: (performance.now() - began) / 1_000, fatal, terminal: server.terminal() }
}

const SECRET = 'http://octo:hunter2@10.0.0.5/'

describe('what nobody caught', () => {
  it.each([
    ['exception', `setTimeout(() => { throw new Error('lost ${SECRET}') }, 1)`],
    ['rejection', `Promise.reject(new Error('lost ${SECRET}'))`],
  ])(
    '(%s) is logged and reported without secrets, and stops the server in order with code 1',
    async (origin, happens) => {
      await using sink = await startReportSink()
      const { code, seconds, fatal, terminal } = await crashed(happens, { SENTRY_DSN: sink.dsn })
      expect(code).toBe(1)
      expect(seconds).toBeLessThan(25)
      expect(fatal).toMatchObject([
        { level: 'error', msg: 'nobody caught an error; the server stops', origin, err: { type: 'Error' } },
      ])
      expect(fatal[0]?.err?.message).toBe('lost http://[redacted]@10.0.0.5/')
      expect(terminal).not.toMatch(/hunter2|did not stop in time|failed to stop/)
      expect(sink.events()).toMatchObject([{ level: 'fatal', message: 'nobody caught an error; the server stops' }])
      expect(sink.envelopes[0]?.text).not.toContain('hunter2')
    },
    90_000,
  )

  it('again and again while the server stops neither stops it twice nor fills the log', async () => {
    const { code, seconds, fatal } = await crashed(`setInterval(() => { throw new Error('again') }, 1)`)
    expect(code).toBe(1)
    expect(seconds).toBeLessThan(25)
    expect(fatal.length).toBeGreaterThan(1)
    expect(fatal.length).toBeLessThanOrEqual(20)
  }, 90_000)

  it('may be no error at all, and a receiver that never says a word holds the stop up for moments', async () => {
    // Nothing answers there, and nothing refuses.
    const { code, seconds, fatal } = await crashed('Promise.reject()', { SENTRY_DSN: 'http://thekey@192.0.2.1/7' })
    expect(code).toBe(1)
    expect(seconds).toBeLessThan(25)
    expect(fatal).toMatchObject([{ err: { message: 'thrown without an error: undefined' } }])
  }, 90_000)
})
