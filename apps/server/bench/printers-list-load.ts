import autocannon from 'autocannon'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

import type { BareAnswer } from './bare-server.js'
import { sourceArguments, type BenchServer } from './server-process.js'

/** So many printers are registered. */
export const PRINTERS = 100
export const CONNECTIONS = 10

const inputOf = (input: object): string => JSON.stringify({ json: input })

/** The path of one call. */
export const query = (procedure: string, input?: object): string =>
  `/trpc/${procedure}${input === undefined ? '' : `?input=${encodeURIComponent(inputOf(input))}`}`
/** All printers on one page. */
export const LIST = query('printers.list', { limit: PRINTERS })

export interface Load {
  perSecond: number
  p50Ms: number
  p99Ms: number
}

export const load = async (url: string, headers: Record<string, string>, seconds: number): Promise<Load> => {
  const result = await autocannon({ url, headers, connections: CONNECTIONS, duration: seconds })
  const { non2xx, errors, requests, latency } = result
  if (non2xx > 0 || errors > 0) throw new Error(`${url}: ${non2xx} refusals, ${errors} errors`)
  return { perSecond: requests.total / result.duration, p50Ms: latency.p50, p99Ms: latency.p99 }
}

export const register = async (server: BenchServer): Promise<void> => {
  for (let number = 1; number <= PRINTERS; number++) {
    await server.call('POST', '/api/printers', {
      name: `Printer ${String(number).padStart(3, '0')}`,
      kind: number % 2 === 0 ? 'octoprint' : 'moonraker',
      url: `http://10.0.0.${number}`,
      apiKey: 'k'.repeat(32),
      model: 'MK3S',
      nozzleDiameterMm: 0.4,
      buildVolume: { xMm: 250, yMm: 210, zMm: 210 },
      materials: [{ slot: 0, material: 'PLA', colorHex: '#FF8000' }],
      checkConnection: false,
    })
  }
}

const PER_CONNECTION = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length'])

interface Listed {
  result: { data: { json: { items: unknown[] } } }
}

/** What the server answers, alone or as a batch, so that the yardstick answers the same. */
export const answerOf = async ({ url, headers }: BenchServer, path: string): Promise<BareAnswer> => {
  const response = await fetch(url + path, { headers })
  const body = await response.text()
  const lists = [JSON.parse(body) as Listed | Listed[]].flat()
  if (!lists.every(({ result }) => result.data.json.items.length === PRINTERS))
    throw new Error('a list is not complete')
  return { headers: Object.fromEntries([...response.headers].filter(([name]) => !PER_CONNECTION.has(name))), body }
}

export const startBare = async (answer: BareAnswer): Promise<{ url: string; child: ChildProcess }> => {
  const child = spawn(process.execPath, sourceArguments('./bare-server.ts'), { stdio: ['ignore', 'ignore', 2, 'ipc'] })
  child.send(answer)
  const [port] = (await once(child, 'message')) as [number]
  return { url: `http://127.0.0.1:${port}/`, child }
}
