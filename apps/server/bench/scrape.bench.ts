import { setTimeout as sleep } from 'node:timers/promises'

import { until } from './print-shop.js'
import { median, percentile, type Bench, type BenchOptions, type BenchResult } from './report.js'
import { startServer, type BenchServer } from './server-process.js'
import { startFarm, type VirtualFarm } from './virtual-farm.js'

/** Registered at a time. */
const AT_ONCE = 20
/** What is measured for one scrape, and for as long without one: more than any scrape takes. */
const WINDOW_MS = 250
const AIMS = { scrapeMs: 100, stallMs: 50 }

const registerAll = async (server: BenchServer, farm: VirtualFarm): Promise<void> => {
  for (let from = 0; from < farm.printers.length; from += AT_ONCE) {
    const some = farm.printers.slice(from, from + AT_ONCE).map(({ name, kind, url, apiKey }) => {
      return server.call('POST', '/api/printers', { name, kind, url, apiKey, checkConnection: false })
    })
    await Promise.all(some)
  }
}

const scrape = async ({ url, headers }: BenchServer): Promise<string> => {
  const accept = { ...headers, accept: 'application/openmetrics-text;version=1.0.0' }
  const response = await fetch(`${url}/metrics`, { headers: accept })
  const text = await response.text()
  if (!response.ok || !text.endsWith('# EOF\n')) throw new Error(`/metrics was answered ${response.status}`)
  return text
}

const connectedIn = (text: string): number =>
  [...text.matchAll(/^gantry_printer_connections\{.*link="connected"\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )

/** Asks everything once that can be asked, so that as many series are there as after a day of use. */
const useEverything = async ({ url, headers }: BenchServer): Promise<number> => {
  const answer = await fetch(`${url}/api/openapi.json`, { headers })
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> }
  const wanted = Object.entries(paths).filter(([, methods]) => 'get' in methods)
  for (const [path] of wanted) {
    for (const from of [headers, {}])
      await (await fetch(`${url}/api${path.replaceAll(/\{\w+\}/g, 'x')}`, { headers: from })).text()
  }
  return wanted.length
}

interface Window {
  /** Null: nobody scraped. */
  scrapeMs: number | null
  stallMs: number
}

/** With a scrape and without one in turn, so that the connections of the printers strike both. */
const measure = async (server: BenchServer, windows: number): Promise<Window[]> => {
  const measured: Window[] = []
  for (let window = 0; window < windows; window += 1) {
    await server.read()
    const began = performance.now()
    let scrapeMs: number | null = null
    if (window % 2 === 0) {
      await scrape(server)
      scrapeMs = performance.now() - began
    }
    await sleep(Math.max(0, WINDOW_MS - (performance.now() - began)))
    measured.push({ scrapeMs, stallMs: (await server.read()).loopDelayMaxMs })
  }
  return measured
}

const rowsOf = (windows: readonly Window[], text: string) => {
  const times = windows.flatMap(({ scrapeMs }) => scrapeMs ?? [])
  const stalls = (scraped: boolean) =>
    windows.filter(({ scrapeMs }) => (scrapeMs !== null) === scraped).map(({ stallMs }) => stallMs)
  const ms = (value: number) => `${value.toFixed(1)} ms`
  const stallRow = (what: string, found: readonly number[], note: string) => ({
    what,
    value: ms(Math.max(...found)),
    note: `median ${ms(median(found))}, p99 ${ms(percentile(found, 0.99))}${note}`,
  })
  const lines = text.split('\n').length - 1
  return [
    { what: 'scrape, p50', value: ms(median(times)), note: `${lines} lines, ${(text.length / 1_000).toFixed(0)} kB` },
    { what: 'scrape, p99', value: ms(percentile(times, 0.99)), note: `aim: under ${AIMS.scrapeMs} ms` },
    stallRow('longest stall of the event loop with a scrape', stalls(true), `; aim: under ${AIMS.stallMs} ms`),
    stallRow('and without one', stalls(false), ''),
  ]
}

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const half = quick ? 10 : 500
  const farm = await startFarm(half, half)
  const count = farm.printers.length
  let server: BenchServer | null = null
  try {
    server = await startServer()
    const asked = server
    await registerAll(server, farm)
    progress(`registered ${count} printers`)
    const areConnected = async () => connectedIn(await scrape(asked)) === count
    await until('all printers are connected', areConnected, 1_000)
    progress(`all are connected; ${await useEverything(server)} routes were asked`)
    const windows = await measure(server, quick ? 20 : 200)
    const text = await scrape(server)
    return {
      name: 'scrape',
      title: `/metrics of a server that drives ${count} virtual printers, each of which reports once a second`,
      rows: rowsOf(windows, text),
      data: { printers: count, bytes: text.length, windows },
    }
  } finally {
    await server?.stop()
    await farm.stop()
  }
}

export const scrapeBench: Bench = { name: 'scrape', run }
