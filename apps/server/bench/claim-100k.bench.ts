import { claimNext } from '../src/modules/print-jobs/claims.js'
import type { Lease } from '../src/modules/printers/printer-session.js'
import { startDatabase, type BenchDatabase } from './bench-database.js'
import { asks, seedPrinters, seedQueue, type QueueStretch } from './queue-seed.js'
import { median, percentile, type Bench, type BenchOptions, type BenchResult, type Row } from './report.js'

const CLAIMS = 400
const WARMING = 200

const kinds = (count: number, jobs: number, material: string): QueueStretch[] =>
  Array.from({ length: count }, (_, n) => ({
    jobs: jobs / count,
    copies: 1,
    requirements: asks(material, 20 + n / 10),
  }))

interface Shape {
  what: string
  queue: (scale: number) => QueueStretch[]
}

/** Each with 100,000 queued copies; `scale` makes it smaller for `--quick`. */
const SHAPES: readonly Shape[] = [
  { what: '100,000 jobs', queue: (scale) => kinds(50, 100_000 * scale, 'PLA') },
  {
    what: '10 jobs of 10,000',
    queue: (scale) => [{ jobs: 10, copies: 10_000 * scale, requirements: asks('PLA', 20) }],
  },
  {
    what: 'the first 50,000 fit nothing',
    queue: (scale) => [...kinds(50, 50_000 * scale, 'PETG'), ...kinds(50, 50_000 * scale, 'PLA')],
  },
  {
    what: '1,000 files, 90 % fit nothing',
    queue: (scale) => [...kinds(900, 90_000 * scale, 'ABS'), ...kinds(100, 10_000 * scale, 'PLA')],
  },
  { what: 'nothing fits', queue: (scale) => kinds(100, 100_000 * scale, 'ASA') },
]

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** What the database and its disk take for any change at all. */
const bareCommits = async ({ unitOfWork }: BenchDatabase, count: number): Promise<number[]> => {
  const times: number[] = []
  for (let n = 0; n < count; n += 1) {
    times.push(
      await timed(() =>
        unitOfWork.run((tx) => {
          tx.record(
            { type: 'print_job.created', subjectType: 'print_job', subjectId: 'job_x', payload: { jobId: 'job_x' } },
            'system',
          )
          return Promise.resolve()
        }),
      ),
    )
  }
  return times
}

const claims = async (
  database: BenchDatabase,
  leases: Lease[],
  wanted: 'claimed' | 'nothing_fits',
): Promise<number[]> => {
  const times: number[] = []
  for (const lease of leases) {
    let kind = ''
    times.push(await timed(async () => ({ kind } = await claimNext(database.unitOfWork, lease))))
    if (kind !== wanted) throw new Error(`a claim ended as ${kind} instead of ${wanted}`)
  }
  return times
}

const rowOf = (what: string, times: number[], note?: string): Row => ({
  what,
  value: `p50 ${median(times).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`,
  ...(note === undefined ? {} : { note }),
})

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const database = await startDatabase()
  try {
    const leases = await seedPrinters(database, quick ? 40 : CLAIMS)
    // A server that has queued so much has long been warm.
    await seedQueue(database, kinds(10, 1_000, 'PLA'))
    await claims(database, leases.slice(0, WARMING), 'claimed')
    const rows: Row[] = []
    const data: object[] = []
    for (const { what, queue } of SHAPES) {
      await seedQueue(database, queue(quick ? 0.01 : 1))
      const wanted = what === 'nothing fits' ? 'nothing_fits' : 'claimed'
      const bare = await bareCommits(database, leases.length / 4)
      const times = await claims(database, leases, wanted)
      bare.push(...(await bareCommits(database, leases.length / 4)))
      rows.push(
        rowOf(
          what,
          times,
          `a bare commit p50 ${median(bare).toFixed(1)} ms, p99 ${percentile(bare, 0.99).toFixed(1)} ms`,
        ),
      )
      data.push({ what, times, bare })
      progress(`${what}: done`)
    }
    return {
      name: 'claim-100k',
      title: `One claim after the other, ${leases.length} of each queue (aim: p99 at most 20 ms)`,
      rows,
      data,
    }
  } finally {
    await database.stop()
  }
}

export const claimBench: Bench = { name: 'claim-100k', run }
