import { startDatabase } from './bench-database.js'
import { asks, seedQueue } from './queue-seed.js'
import { median, percentile, type Bench, type BenchOptions, type BenchResult } from './report.js'
import { startServer, type BenchServer } from './server-process.js'

const JOBS = 100_000
const DEEP_PAGES = 40

const timed = async (server: BenchServer, path: string): Promise<{ ms: number; answer: unknown }> => {
  const began = performance.now()
  const answer = await server.call('GET', path)
  return { ms: performance.now() - began, answer }
}

const pageAfter = (cursor: string | null): string =>
  `/api/print-jobs?order=queue&limit=50${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const database = await startDatabase()
  const jobs = quick ? 1_000 : JOBS
  let server: BenchServer | null = null
  try {
    await seedQueue(database, [{ jobs, copies: 1, requirements: asks('PLA', 20) }])
    progress(`${jobs} jobs wait`)
    server = await startServer({ DATABASE_URL: database.url, GANTRY_ROLES: 'api' })
    const rounds = quick ? 10 : 200
    const [first, deep, least]: [number[], number[], number[]] = [[], [], []]
    for (let n = 0; n < rounds; n += 1) {
      first.push((await timed(server, pageAfter(null))).ms)
      least.push((await timed(server, '/api/auth/me')).ms)
    }
    for (let cursor: string | null = null, n = 0; n < DEEP_PAGES && (n === 0 || cursor !== null); n += 1) {
      const page = await timed(server, pageAfter(cursor))
      deep.push(page.ms)
      cursor = (page.answer as { nextCursor: string | null }).nextCursor
    }
    const row = (what: string, times: number[], note: string) => ({
      what,
      value: `p50 ${median(times).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`,
      note,
    })
    return {
      name: 'queue-page',
      title: `printJobs.list in the order of the queue, 50 of ${jobs} waiting jobs, one request at a time`,
      rows: [
        row('first page', first, 'aim: under 50 ms'),
        row(`each of the first ${deep.length} pages`, deep, 'by keyset'),
        row('auth.me', least, 'the least that a request costs'),
      ],
      data: { first, deep, least },
    }
  } finally {
    await server?.stop()
    await database.stop()
  }
}

export const queueBench: Bench = { name: 'queue-page', run }
