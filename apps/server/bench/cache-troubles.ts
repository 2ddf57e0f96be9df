import { setTimeout as sleep } from 'node:timers/promises'

import { Redis } from 'ioredis'

import { startRedisServer } from '../processes/redis-server.js'
import type { StartedCache } from '../src/cache/create-cache.js'
import { median, percentile, type Row } from './report.js'

/** Opens a cache on this Redis, in step with it. */
export type OpenCache = (url: string) => Promise<StartedCache>

const waitsOf = (waits: readonly number[]): string =>
  `p50 ${median(waits).toFixed(2)} ms, p99 ${percentile(waits, 0.99).toFixed(2)} ms`

/** From the call that invalidates to the moment at which another instance's memory answers no more. */
export const dropsElsewhere = async (url: string, open: OpenCache, times: number): Promise<Row> => {
  const [here, there] = [await open(url), await open(url)]
  const waits: number[] = []
  for (let n = 0; n < times; n += 1) {
    await there.cache.set('drop:1', { n }, { ttl: 60, tags: ['printer'] })
    const began = performance.now()
    const told = here.cache.invalidateTags(['printer'])
    while (there.cache.peek('drop:1') !== undefined) await new Promise((resolve) => setImmediate(resolve))
    waits.push(performance.now() - began)
    await told
  }
  await Promise.all([here.stop(), there.stop()])
  return { what: 'an invalidation, until another instance drops', value: waitsOf(waits), note: 'aim 100 ms' }
}

const TROUBLES: readonly (readonly [string, (of: Victim) => Promise<unknown>])[] = [
  ['is not there', ({ server }) => server.stop()],
  ['answers nobody', ({ admin }) => admin.call('CLIENT', 'PAUSE', '60000', 'ALL')],
]

interface Victim {
  server: Awaited<ReturnType<typeof startRedisServer>>
  admin: Redis
}

/** Values that are asked for, one second after Redis got into trouble: by then the breaker is open. */
export const withoutRedis = async (open: OpenCache, seconds: number): Promise<Row[]> => {
  const rows: Row[] = []
  for (const [what, strike] of TROUBLES) {
    const server = await startRedisServer()
    const admin = new Redis(server.url)
    admin.on('error', () => undefined)
    const opened = await open(server.url)
    const ask = (n: number) =>
      opened.cache.getOrSet(`asked:${n % 50}`, () => Promise.resolve({ n }), { ttl: 0.02, tags: ['printer'] })
    await strike({ server, admin })
    const until = async (ms: number, heard: (ms: number) => void) => {
      for (const end = performance.now() + ms, n = { value: 0 }; performance.now() < end; n.value += 1) {
        const began = performance.now()
        await ask(n.value)
        heard(performance.now() - began)
        await sleep(1)
      }
    }
    await until(1_000, () => undefined)
    const waits: number[] = []
    await until(seconds * 1_000, (ms) => waits.push(ms))
    admin.disconnect()
    await opened.stop()
    await server.stop()
    const note = `aim 50 ms at p99; worst of ${waits.length} ${Math.max(...waits).toFixed(1)} ms`
    rows.push({ what: `getOrSet while Redis ${what}, after a second`, value: waitsOf(waits), note })
  }
  return rows
}
