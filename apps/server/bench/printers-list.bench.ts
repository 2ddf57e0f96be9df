import type { ChildProcess } from 'node:child_process'

import { endProcess } from '../processes/source-process.js'
import {
  answerOf,
  CONNECTIONS,
  LIST,
  load,
  PRINTERS,
  query,
  register,
  startBare,
  type Load,
} from './printers-list-load.js'
import { median, range, type Bench, type BenchOptions, type BenchResult, type Row } from './report.js'
import { startServer, type BenchServer } from './server-process.js'

/** One after the other more of what a list needs, to show where its time goes. */
const LADDER: readonly [what: string, path: string][] = [
  ['/healthz', '/healthz'],
  ['auth.me', query('auth.me')],
  ['list of 1', query('printers.list', { limit: 1 })],
  [`list of ${PRINTERS}`, LIST],
]

interface Round {
  gantry: Load
  bare: Load
  cpuMicrosPerRequest: number
}

/** The two in turn, so that whatever else the machine does strikes both. */
const measure = async (server: BenchServer, bareUrl: string, options: BenchOptions): Promise<Round[]> => {
  const [seconds, rounds] = options.quick ? [1, 2] : [5, 6]
  await load(server.url + LIST, server.headers, seconds)
  await load(bareUrl, server.headers, seconds)
  const measured: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const before = await server.read()
    const gantry = await load(server.url + LIST, server.headers, seconds)
    const cpuMicros = (await server.read()).cpuMicros - before.cpuMicros
    const bare = await load(bareUrl, server.headers, seconds)
    measured.push({ gantry, bare, cpuMicrosPerRequest: cpuMicros / (gantry.perSecond * seconds) })
    options.progress(
      `round ${round + 1} of ${rounds}: ${gantry.perSecond.toFixed(0)} /s, bare ${bare.perSecond.toFixed(0)} /s`,
    )
  }
  return measured
}

const climb = async (server: BenchServer, seconds: number) => {
  const steps: { what: string; cpuMicros: number }[] = []
  for (const [what, path] of LADDER) {
    const before = await server.read()
    const { perSecond } = await load(server.url + path, server.headers, seconds)
    const { cpuMicros } = await server.read()
    steps.push({ what, cpuMicros: (cpuMicros - before.cpuMicros) / (perSecond * seconds) })
  }
  return steps
}

const rowsOf = (rounds: Round[], steps: { what: string; cpuMicros: number }[], bytes: number): Row[] => {
  const ratios = rounds.map(({ gantry, bare }) => gantry.perSecond / bare.perSecond)
  const line = (what: string, loads: Load[]): Row => ({
    what,
    value: `${median(loads.map(({ perSecond }) => perSecond)).toFixed(0)} /s`,
    note: `p50 ${median(loads.map(({ p50Ms }) => p50Ms)).toFixed(0)} ms, p99 ${median(loads.map(({ p99Ms }) => p99Ms)).toFixed(0)} ms`,
  })
  return [
    line(
      'printers.list',
      rounds.map(({ gantry }) => gantry),
    ),
    line(
      'bare node:http',
      rounds.map(({ bare }) => bare),
    ),
    {
      what: 'ratio',
      value: median(ratios).toFixed(3),
      note: `${range(ratios, 3)}; ${(bytes / 1000).toFixed(0)} kB each`,
    },
    ...steps.map(({ what, cpuMicros }) => ({
      what: `processor time, ${what}`,
      value: `${cpuMicros.toFixed(0)} µs`,
      note: 'of the server, without PostgreSQL',
    })),
  ]
}

const run = async (options: BenchOptions): Promise<BenchResult> => {
  // Nobody drives the printers: they do not exist, and their absence is not what is measured.
  const server = await startServer({ GANTRY_ROLES: 'api', CACHE_ANSWERS: 'false' })
  let bare: ChildProcess | null = null
  try {
    await register(server)
    const answer = await answerOf(server, LIST)
    const yardstick = await startBare(answer)
    bare = yardstick.child
    const rounds = await measure(server, yardstick.url, options)
    const steps = await climb(server, options.quick ? 1 : 5)
    return {
      name: 'printers-list',
      title: `printers.list of ${PRINTERS}, uncached, against node:http with the same bytes, ${CONNECTIONS} connections`,
      rows: rowsOf(rounds, steps, answer.body.length),
      data: { rounds, steps, bytes: answer.body.length },
    }
  } finally {
    if (bare !== null) await endProcess(bare)
    await server.stop()
  }
}

export const printersListBench: Bench = { name: 'printers-list', run }
