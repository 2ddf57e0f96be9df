import { openPrintShop, until, type PrintShop } from './print-shop.js'
import { median, percentile, type Bench, type BenchOptions, type BenchResult } from './report.js'

/** Of one copy, in milliseconds by the database's clock, since a person called the bed clear. */
interface Steps {
  claimedMs: number
  uploadedMs: number
}

/** Two printers, of which each in turn gets its bed cleared; nothing else happens. */
const PRINTERS = 2
/** Fast enough that a print is over in a moment. */
const SPEED = 2_000

const stepsOf = ({ database }: PrintShop): Promise<Steps[]> => database.prisma.$queryRaw<Steps[]>`
  SELECT extract(epoch FROM a.claimed_at - cleared.at)::float8 * 1000 AS "claimedMs",
    extract(epoch FROM a.start_sent_at - cleared.at)::float8 * 1000 AS "uploadedMs"
  FROM attempt a CROSS JOIN LATERAL (
    SELECT max(created_at) AS at FROM event WHERE type = 'printer.bed_changed' AND subject_id = a.printer_id
      AND payload ->> 'bed' = 'clear' AND created_at <= a.claimed_at) AS cleared
  WHERE a.start_sent_at IS NOT NULL ORDER BY a.claimed_at`

const nextCopy = async ({ server, farm, database: { prisma } }: PrintShop, printerId: string): Promise<void> => {
  const ended = async () =>
    (await prisma.attempt.count({ where: { printerId, state: { notIn: ['completed'] } } })) === 0
  await until('the print is over', ended, 50)
  await farm.clearBeds()
  // The host says that it is idle a report later than its print ended: the wait for that is not the dispatcher's.
  await until(
    'only the bed is in the way',
    async () => {
      const { status } = (await server.call('GET', `/api/printers/${printerId}`)) as {
        status: { waitingFor: { code: string }[] }
      }
      return status.waitingFor.length === 1 && status.waitingFor[0]?.code === 'BED_OCCUPIED'
    },
    50,
  )
  const before = await prisma.attempt.count({ where: { startSentAt: { not: null } } })
  await server.call('POST', `/api/printers/${printerId}/clear-bed`, {})
  await until(
    'the next start',
    async () => (await prisma.attempt.count({ where: { startSentAt: { not: null } } })) > before,
    20,
  )
}

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const rounds = quick ? 3 : 30
  const shop = await openPrintShop(PRINTERS, SPEED)
  try {
    await shop.allFree()
    await shop.order((rounds + 1) * PRINTERS)
    const first = async () =>
      (await shop.database.prisma.attempt.count({ where: { startSentAt: { not: null } } })) === PRINTERS
    await until('the first starts', first)
    for (let round = 0; round < rounds; round += 1) {
      for (const printerId of shop.printerIds) await nextCopy(shop, printerId)
    }
    progress(`${rounds} copies on each printer`)
    const steps = (await stepsOf(shop)).slice(PRINTERS)
    const row = (what: string, times: number[], note?: string) => ({
      what,
      value: `median ${median(times).toFixed(0)} ms, p99 ${percentile(times, 0.99).toFixed(0)} ms`,
      ...(note === undefined ? {} : { note }),
    })
    return {
      name: 'dispatch-latency',
      title: `From a bed called clear to the start of the next print, ${steps.length} times`,
      rows: [
        row(
          'copy claimed',
          steps.map(({ claimedMs }) => claimedMs),
        ),
        row(
          'start sent',
          steps.map(({ uploadedMs }) => uploadedMs),
          'file uploaded between (aim: median under 300 ms)',
        ),
      ],
      data: steps,
    }
  } finally {
    await shop.stop()
  }
}

export const dispatchBench: Bench = { name: 'dispatch-latency', run }
