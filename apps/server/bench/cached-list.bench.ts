import type { ChildProcess } from 'node:child_process'

import { endProcess } from '../processes/source-process.js'
import { answerOf, CONNECTIONS, LIST, load, PRINTERS, register, startBare, type Load } from './printers-list-load.js'
import { median, range, type Bench, type BenchOptions, type BenchResult, type Row } from './report.js'
import { startServer, type BenchServer } from './server-process.js'

/** Lists that differ, so that a batch is of five answers and not of one. */
const BATCH = (() => {
  const inputs = Array.from({ length: 5 }, (_, n) => [n, { json: { limit: PRINTERS + n } }])
  const names = inputs.map(() => 'printers.list').join(',')
  return `/trpc/${names}?batch=1&input=${encodeURIComponent(JSON.stringify(Object.fromEntries(inputs)))}`
})()

const SHAPES = [
  { what: 'one list', path: LIST },
  { what: 'a batch of five', path: BATCH },
] as const

interface Round {
  cached: Load
  uncached: Load
  bare: Load
}

/** The three in turn, so that whatever else the machine does strikes all of them. */
const measure = async (
  path: string,
  servers: { cached: BenchServer; uncached: BenchServer; bareUrl: string },
  { quick, progress }: BenchOptions,
): Promise<Round[]> => {
  const [seconds, rounds] = quick ? [1, 2] : [5, 4]
  const { cached, uncached, bareUrl } = servers
  const once = async (): Promise<Round> => ({
    cached: await load(cached.url + path, cached.headers, seconds),
    uncached: await load(uncached.url + path, uncached.headers, seconds),
    bare: await load(bareUrl, cached.headers, seconds),
  })
  await once() // everything warms up
  const measured: Round[] = []
  for (let round = 1; round <= rounds; round += 1) {
    const each = await once()
    measured.push(each)
    const perSecond = (name: keyof Round) => each[name].perSecond.toFixed(0)
    progress(
      `round ${round} of ${rounds}: kept ${perSecond('cached')} /s, not kept ${perSecond('uncached')} /s, bare ${perSecond('bare')} /s`,
    )
  }
  return measured
}

const rowsOf = (what: string, rounds: Round[], bytes: number): Row[] => {
  const line = (name: keyof Round, title: string): Row => {
    const loads = rounds.map((round) => round[name])
    const p99 = median(loads.map(({ p99Ms }) => p99Ms)).toFixed(0)
    return {
      what: `${what}, ${title}`,
      value: `${median(loads.map(({ perSecond }) => perSecond)).toFixed(0)} /s`,
      note: `p50 ${median(loads.map(({ p50Ms }) => p50Ms)).toFixed(0)} ms, p99 ${p99} ms`,
    }
  }
  const ratios = (of: (round: Round) => number) => rounds.map(of)
  const ratio = (title: string, values: number[], aim: string): Row => ({
    what: `${what}, ${title}`,
    value: median(values).toFixed(2),
    note: `${range(values)}; ${aim}`,
  })
  return [
    line('cached', 'kept'),
    line('uncached', 'not kept'),
    line('bare', 'bare node:http'),
    ratio(
      'kept / not kept',
      ratios(({ cached, uncached }) => cached.perSecond / uncached.perSecond),
      'aim 3',
    ),
    ratio(
      'p99 of kept / not kept',
      ratios(({ cached, uncached }) => cached.p99Ms / uncached.p99Ms),
      'aim under 0.5',
    ),
    ratio(
      'kept / bare',
      ratios(({ cached, bare }) => cached.perSecond / bare.perSecond),
      `aim 0.7; ${(bytes / 1000).toFixed(0)} kB each`,
    ),
  ]
}

const run = async (options: BenchOptions): Promise<BenchResult> => {
  // Nobody drives the printers: they do not exist, and their absence is not what is measured.
  const [cached, uncached] = await Promise.all([
    startServer({ GANTRY_ROLES: 'api' }),
    startServer({ GANTRY_ROLES: 'api', CACHE_ANSWERS: 'false' }),
  ])
  const children: ChildProcess[] = []
  try {
    await Promise.all([register(cached), register(uncached)])
    const rows: Row[] = []
    const data: object[] = []
    for (const { what, path } of SHAPES) {
      const answer = await answerOf(cached, path)
      const { url: bareUrl, child } = await startBare(answer)
      children.push(child)
      const rounds = await measure(path, { cached, uncached, bareUrl }, options)
      rows.push(...rowsOf(what, rounds, answer.body.length))
      data.push({ what, rounds, bytes: answer.body.length })
    }
    return {
      name: 'cached-list',
      title: `printers.list of ${PRINTERS}, kept and not, against node:http with the same bytes, ${CONNECTIONS} connections`,
      rows,
      data,
    }
  } finally {
    for (const child of children) await endProcess(child)
    await Promise.all([cached.stop(), uncached.stop()])
  }
}

export const cachedListBench: Bench = { name: 'cached-list', run }
