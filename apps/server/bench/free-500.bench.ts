import { loadavg } from 'node:os'

import { openPrintShop, until, type PrintShop } from './print-shop.js'
import type { Bench, BenchOptions, BenchResult, Row } from './report.js'
import type { ServerReading } from './server-probe.js'

/** By the database's clock, since the job was ordered. */
interface Milestones {
  claimedMs: number
  uploadedMs: number
  startedMs: number
  transactions: number
}

const milestonesOf = async ({ database }: PrintShop, jobId: string): Promise<Milestones> => {
  const [found] = await database.prisma.$queryRaw<Milestones[]>`
    SELECT extract(epoch FROM max(a.claimed_at) - j.created_at)::float8 * 1000 AS "claimedMs",
      extract(epoch FROM max(a.uploaded_at) - j.created_at)::float8 * 1000 AS "uploadedMs",
      extract(epoch FROM max(a.start_sent_at) - j.created_at)::float8 * 1000 AS "startedMs",
      count(DISTINCT a.claimed_at)::int AS transactions
    FROM print_job j JOIN attempt a ON a.job_id = j.id WHERE j.id = ${jobId} GROUP BY j.created_at`
  if (found === undefined) throw new Error('the job has no attempts')
  return found
}

/** What the server took from the order to a milestone; time of the processor says more than the clock on a busy machine. */
interface Effort {
  cpuMs: number
  transactions: number
  reading: ServerReading
}

const effortSince = async ({ server, database }: PrintShop): Promise<() => Promise<Effort>> => {
  const look = async () => {
    const [row] = await database.prisma.$queryRaw<{ ended: number }[]>`
      SELECT (xact_commit + xact_rollback)::int AS ended FROM pg_stat_database WHERE datname = current_database()`
    return { reading: await server.read(), ended: row?.ended ?? 0 }
  }
  const before = await look()
  return async () => {
    const { reading, ended } = await look()
    return {
      cpuMs: (reading.cpuMicros - before.reading.cpuMicros) / 1000,
      transactions: ended - before.ended,
      reading,
    }
  }
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`

const effortRows = (until: string, { cpuMs, transactions, reading }: Effort): Row[] => [
  {
    what: `processor time of the server until ${until}`,
    value: seconds(cpuMs),
    note: `about ${transactions} transactions of the whole database`,
  },
  {
    what: `event loop late until ${until}, p99`,
    value: `${reading.loopDelayP99Ms.toFixed(0)} ms`,
    note: `worst ${reading.loopDelayMaxMs.toFixed(0)} ms`,
  },
]

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const printers = quick ? 20 : 500
  const shop = await openPrintShop(printers, 1)
  try {
    progress(`${printers} printers are registered`)
    await shop.allFree()
    progress(`all are free; load of the machine: ${loadavg()[0]?.toFixed(2) ?? '?'}`)
    const effort = await effortSince(shop)
    const jobId = await shop.order(printers)
    const { attempt } = shop.database.prisma
    await until('all claimed', async () => (await attempt.count()) >= printers)
    const toClaims = await effort()
    await until(
      'all starts sent',
      async () => (await attempt.count({ where: { startSentAt: { not: null } } })) === printers,
    )
    const toStarts = await effort()
    const found = await milestonesOf(shop, jobId)
    return {
      name: 'free-500',
      title: `${printers} printers that are free at once, one job of ${printers} copies`,
      rows: [
        {
          what: 'all claimed',
          value: seconds(found.claimedMs),
          note: `in ${found.transactions} transactions (aim: 2 s)`,
        },
        { what: 'all files uploaded', value: seconds(found.uploadedMs) },
        {
          what: 'all starts sent',
          value: seconds(found.startedMs),
          note: 'since the order, by the clock of the database',
        },
        ...effortRows('all are claimed', toClaims),
        ...effortRows('all are started', toStarts),
      ],
      data: { ...found, toClaims, toStarts, loadAverage: loadavg() },
    }
  } finally {
    await shop.stop()
  }
}

export const freeBench: Bench = { name: 'free-500', run }
