import { once } from 'node:events'
import { open, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { CONNECTIONS, LIST, load, query, register } from './printers-list-load.js'
import { median, range, type Bench, type BenchOptions, type BenchResult, type Row } from './report.js'
import { startServer, type BenchServer } from './server-process.js'

const AIM = 0.85

/** A collector that takes everything and looks at nothing. */
const startSink = async () => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end('{}'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}

interface Way {
  what: string
  server: BenchServer
}

/** What is asked of each, and what the row says of it. */
const QUESTIONS = [
  { what: 'uncached query through tRPC (auth.me)', path: query('auth.me'), aim: AIM },
  { what: 'kept answer, before tRPC (printers.list)', path: LIST, aim: null },
] as const

/** Requests per second of each way in turn, round by round, so that what else the machine does strikes all. */
const rates = async (ways: readonly Way[], path: string, options: BenchOptions): Promise<number[][]> => {
  const [seconds, rounds] = options.quick ? [1, 1] : [4, 7]
  const measured = ways.map((): number[] => [])
  for (let round = 0; round <= rounds; round += 1) {
    for (const [n, { server }] of ways.entries()) {
      const { perSecond } = await load(server.url + path, server.headers, seconds)
      // The first round warms up.
      if (round > 0) measured[n]?.push(perSecond)
    }
  }
  return measured
}

const rowsOf = (ways: readonly Way[], measured: readonly number[][], question: string, aim: number | null): Row[] =>
  ways.map(({ what }, n) => {
    const [off = [], own = []] = [measured[0], measured[n]]
    const ratios = own.map((perSecond, round) => perSecond / (off[round] ?? NaN))
    const note = n === 0 ? '' : `${median(ratios).toFixed(2)} (${range(ratios)})${aim === null ? '' : `, aim ${aim}`}`
    return { what: `${question}: ${what}`, value: `${median(own).toFixed(0)} /s`, note }
  })

const run = async (options: BenchOptions): Promise<BenchResult> => {
  const sink = await startSink()
  const logPath = join(tmpdir(), `gantry-bench-${process.pid}.log`)
  const logFile = await open(logPath, 'w')
  const on = { LOG_LEVEL: 'info', ENABLE_METRICS: 'true' }
  const traced = { ...on, OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_TRACES_SAMPLER_ARG: '0.1' }
  const ways: Way[] = []
  const add = async (what: string, settings: Record<string, string>, preload: string[] = []) => {
    const server = await startServer({ GANTRY_ROLES: 'api', ...settings }, { preload, stdout: logFile.fd })
    ways.push({ what, server })
    await register(server)
  }
  const rows: Row[] = []
  const data: Record<string, number[][]> = {}
  try {
    await add('everything off', { LOG_LEVEL: 'silent', ENABLE_METRICS: 'false' }, ['./no-correlation.ts'])
    await add('log to a file, metrics, context', on)
    await add('the same and a tenth traced', traced)
    for (const { what, path, aim } of QUESTIONS) {
      const measured = await rates(ways, path, options)
      data[what] = measured
      rows.push(...rowsOf(ways, measured, what, aim))
      options.progress(`${what} is measured`)
    }
  } finally {
    for (const { server } of ways) await server.stop()
    await logFile.close()
    await rm(logPath)
    await sink.stop()
  }
  return { name: 'observability', title: `What watching costs, ${CONNECTIONS} connections`, rows, data }
}

/** What logging, metrics, context and traces cost a request. */
export const observabilityBench: Bench = { name: 'observability', run }
