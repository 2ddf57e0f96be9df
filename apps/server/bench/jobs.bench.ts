import { startDatabase } from './bench-database.js'
import { openShop, SHOPS, type ShopKind } from './jobs/job-shop.js'
import { memory } from './jobs/memory.js'
import { statistics } from './jobs/statistics.js'
import { throughput } from './jobs/throughput.js'
import { waiting } from './jobs/waiting.js'
import type { Bench, BenchOptions, BenchResult, Row } from './report.js'

const NAMES = { redis: 'Redis', postgres: 'PostgreSQL' }
/** Of one round, so that each takes about a second. */
const JOBS_A_ROUND = { redis: 5_000, postgres: 500 }
/** Of a round, so that those of the outbox are no longer. */
const OUTBOX_SHARE = { redis: 0.1, postgres: 0.5 }

const benchOf = async (kind: ShopKind, options: BenchOptions) => {
  const database = await startDatabase()
  const { address, stop } = await openShop(kind, database)
  const rows: Row[] = []
  const data: Record<string, unknown> = {}
  const parts = {
    throughput: () => throughput(address, JOBS_A_ROUND[kind], OUTBOX_SHARE[kind], options),
    waiting: () => waiting(address, options),
    memory: () => memory(address, options),
    // Last: it leaves the queue full.
    statistics: () => statistics(address, options),
  }
  try {
    for (const [name, measure] of Object.entries(parts)) {
      const measured = await measure()
      rows.push(...measured.rows.map((row) => ({ ...row, what: `${NAMES[kind]}: ${row.what}` })))
      data[name] = measured.data
      options.progress(`${NAMES[kind]}: ${name} is measured`)
    }
  } finally {
    await stop()
    await database.stop()
  }
  return { rows, data }
}

const run = async (options: BenchOptions): Promise<BenchResult> => {
  const rows: Row[] = []
  const data: Record<string, unknown> = {}
  for (const kind of SHOPS) {
    const measured = await benchOf(kind, options)
    rows.push(...measured.rows)
    data[kind] = measured.data
  }
  return { name: 'jobs', title: 'Background jobs, on both backends', rows, data }
}

export const jobsBench: Bench = { name: 'jobs', run }
