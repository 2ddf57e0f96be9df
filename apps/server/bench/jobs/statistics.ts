import { repositoriesFor } from '../../src/db/repositories.js'
import { systemClock } from '../../src/kernel/index.js'
import { JobStatistics } from '../../src/modules/jobs/job-statistics.js'
import { QueuesOfJobs } from '../../src/queues/job-queues.js'
import { median, percentile, type BenchOptions, type Row } from '../report.js'
import { BENCH_QUEUE, benchJob, openJobs, payloadOf, type ShopAddress } from './job-shop.js'

const JOBS = 100_000
const BATCH = 1_000
const TRIES = 50

type Shop = Awaited<ReturnType<typeof openJobs>>

/** How long it takes to say how the queues do (`jobs.queues`, `GET /api/admin/queues`) while so many jobs wait. */
export const statistics = async (
  address: ShopAddress,
  { quick }: BenchOptions,
): Promise<{ rows: Row[]; data: unknown }> => {
  const [jobs, tries] = quick ? [BATCH, 5] : [JOBS, TRIES]
  const shop = await openJobs(address, () => Promise.resolve(), { work: false })
  const many = jobs.toLocaleString('en')
  const rows: Row[] = []
  const data: Record<string, number[]> = {}
  const look = async (what: string, waiting: number) => {
    const times = await timesOf(shop, tries, waiting)
    data[what] = times
    rows.push(rowOf(what, times))
  }
  try {
    await order(shop, jobs)
    await look(`statistics, ${many} orders just written`, jobs)
    // As the database does by itself within a minute or so; then an index alone is read.
    await shop.prisma.$executeRaw`vacuum analyze outbox`
    await look(`statistics, ${many} orders a minute later`, jobs)
    await shop.prisma.$executeRaw`delete from outbox`
    await shop.prisma.$executeRaw`vacuum analyze outbox`
    await fill(shop, jobs)
    await look(`statistics, ${many} jobs just put into the queue`, jobs)
    if (address.redisUrl === null) {
      await shop.prisma.$executeRaw`vacuum analyze bullmq.job`
      await look(`statistics, ${many} jobs in the queue a minute later`, jobs)
    }
  } finally {
    await shop.stop()
  }
  return { rows, data }
}

const order = ({ prisma }: Shop, jobs: number) => prisma.$executeRaw`
  insert into outbox (id, type, version, payload)
  select 'ob_count-' || n, ${benchJob.type}, 1, '{"n":1}' from generate_series(1, ${jobs}::int) n`

const fill = async ({ jobs: { queues } }: Shop, jobs: number): Promise<void> => {
  const queue = queues.get(BENCH_QUEUE)
  if (queue === undefined) throw new Error('the queue is not there')
  for (let n = 0; n < jobs; n += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, index) => index + n)
    await queue.addBulk(batch.map((id) => ({ name: benchJob.type, data: { version: 1, payload: payloadOf(id) } })))
  }
}

/** @throws Error when the numbers are not right: quick ones that are wrong are worth nothing */
const timesOf = async ({ jobs, prisma }: Shop, tries: number, waiting: number): Promise<number[]> => {
  const queues = new QueuesOfJobs()
  queues.use(jobs)
  const counted = new JobStatistics({
    definitions: [benchJob],
    reads: repositoriesFor(prisma),
    queues,
    clock: systemClock,
  })
  const times: number[] = []
  for (let n = 0; n < tries; n += 1) {
    // Otherwise what was counted within the last second is told again.
    counted.forget()
    const began = performance.now()
    const { data } = await counted.read()
    times.push(performance.now() - began)
    const told = data[BENCH_QUEUE]?.waiting
    if (told !== waiting) throw new Error(`${told} jobs were counted where ${waiting} wait`)
  }
  return times
}

const rowOf = (what: string, times: number[]): Row => ({
  what,
  value: `p50 ${median(times).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`,
  note: 'aim: under 50 ms',
})
