import { openPrintShop, until, type PrintShop } from './print-shop.js'
import type { Bench, BenchOptions, BenchResult } from './report.js'

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

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const printers = quick ? 20 : 500
  const shop = await openPrintShop(printers, 1)
  try {
    progress(`${printers} printers are registered`)
    await shop.allFree()
    progress('all are free')
    await shop.server.read()
    const jobId = await shop.order(printers)
    const { attempt } = shop.database.prisma
    await until(
      'all starts sent',
      async () => (await attempt.count({ where: { startSentAt: { not: null } } })) === printers,
    )
    const reading = await shop.server.read()
    const found = await milestonesOf(shop, jobId)
    const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
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
        {
          what: 'event loop late, p99',
          value: `${reading.loopDelayP99Ms.toFixed(0)} ms`,
          note: `worst ${reading.loopDelayMaxMs.toFixed(0)} ms`,
        },
      ],
      data: { ...found, reading },
    }
  } finally {
    await shop.stop()
  }
}

export const freeBench: Bench = { name: 'free-500', run }
