import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import { startDatabase } from './bench-database.js'
import { until } from './print-shop.js'
import { median, percentile, type Bench, type BenchOptions, type BenchResult } from './report.js'
import { startServer, type BenchServer } from './server-process.js'
import { startFarm, type VirtualFarm } from './virtual-farm.js'

/** Registered at a time. */
const AT_ONCE = 20
/** What is measured for one scrape, and for as long without one: more than any scrape takes. */
const WINDOW_MS = 250
const AIMS = { scrape: '; aim: under 100 ms', stall: '; aim: under 50 ms' }

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
const useEverything = async ({ url, headers }: BenchServer): Promise<void> => {
  const answer = await fetch(`${url}/api/openapi.json`, { headers })
  const { paths } = (await answer.json()) as { paths: Record<string, Record<string, unknown>> }
  const wanted = Object.entries(paths).filter(([, methods]) => 'get' in methods)
  for (const [path] of wanted) {
    for (const from of [headers, {}])
      await (await fetch(`${url}/api${path.replaceAll(/\{\w+\}/g, 'x')}`, { headers: from })).text()
  }
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

const rowsOf = (who: string, windows: readonly Window[], aims = { scrape: '', stall: '' }) => {
  const times = windows.flatMap(({ scrapeMs }) => scrapeMs ?? [])
  const stalls = (scraped: boolean) =>
    windows.filter(({ scrapeMs }) => (scrapeMs !== null) === scraped).map(({ stallMs }) => stallMs)
  const ms = (value: number) => `${value.toFixed(1)} ms`
  const stallRow = (what: string, found: readonly number[], note: string) => ({
    what: `${who}, ${what}`,
    value: ms(Math.max(...found)),
    note: `median ${ms(median(found))}, p99 ${ms(percentile(found, 0.99))}${note}`,
  })
  return [
    {
      what: `${who}, scrape`,
      value: ms(percentile(times, 0.99)),
      note: `p99; p50 ${ms(median(times))}${aims.scrape}`,
    },
    stallRow('longest stall with a scrape', stalls(true), aims.stall),
    stallRow('longest stall without', stalls(false), ''),
  ]
}

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const half = quick ? 10 : 500
  const database = await startDatabase()
  const farm = await startFarm(half, half)
  const count = farm.printers.length
  const servers: BenchServer[] = []
  const settings = {
    DATABASE_URL: database.url,
    GANTRY_SECRET_KEY: randomBytes(32).toString('base64'),
    GANTRY_ADMIN_PASSWORD: randomBytes(12).toString('base64url'),
  }
  const start = async (roles: string) => {
    const server = await startServer({ ...settings, GANTRY_ROLES: roles })
    servers.push(server)
    return server
  }
  try {
    // What drives a thousand printers has stalls of its own, in which a scrape's would not be seen.
    const driver = await start('api,fleet')
    const asked = await start('api,worker')
    await registerAll(driver, farm)
    progress(`registered ${count} printers`)
    await until('all printers are connected', async () => connectedIn(await scrape(driver)) === count, 1_000)
    progress('all are connected')
    for (const server of servers) await useEverything(server)
    const windows = { asked: await measure(asked, quick ? 20 : 200), driver: await measure(driver, quick ? 20 : 100) }
    const text = await scrape(asked)
    const lines = text.split('\n').length - 1
    return {
      name: 'scrape',
      title: `/metrics of two servers of which one drives ${count} virtual printers that report once a second, ${lines} lines (${(text.length / 1_000).toFixed(0)} kB)`,
      rows: [...rowsOf('api and worker', windows.asked, AIMS), ...rowsOf('what drives them', windows.driver)],
      data: { printers: count, lines, bytes: text.length, windows },
    }
  } finally {
    for (const server of servers) await server.stop()
    await farm.stop()
    await database.stop()
  }
}

export const scrapeBench: Bench = { name: 'scrape', run }
