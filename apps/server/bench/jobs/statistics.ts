import { median, percentile, type BenchOptions, type Row } from '../report.js'
import { BENCH_QUEUE, openJobs, payloadOf, type ShopAddress } from './job-shop.js'

const JOBS = 100_000
const BATCH = 1_000
const TRIES = 50

const STATES = ['waiting', 'active', 'delayed', 'prioritized', 'completed', 'failed'] as const

const timesOf = async (tries: number, read: () => Promise<unknown>): Promise<number[]> => {
  const times: number[] = []
  for (let n = 0; n < tries; n += 1) {
    const began = performance.now()
    await read()
    times.push(performance.now() - began)
  }
  return times
}

/** How long it takes to say how many jobs there are, while so many wait and nobody does them. */
export const statistics = async (
  address: ShopAddress,
  { quick }: BenchOptions,
): Promise<{ rows: Row[]; data: unknown }> => {
  const [jobs, tries] = quick ? [BATCH, 5] : [JOBS, TRIES]
  const ours = await openJobs(address, () => Promise.resolve(), { work: false })
  const queue = ours.jobs.queues.get(BENCH_QUEUE)
  if (queue === undefined) throw new Error('the queue is not there')
  for (let n = 0; n < jobs; n += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, index) => index + n)
    await queue.addBulk(batch.map((id) => ({ name: 'BENCH_JOB', data: { version: 1, payload: payloadOf(id) } })))
  }
  await ours.prisma.$executeRaw`
    insert into outbox (id, type, version, payload, state)
    select 'ob_count-' || n, 'BENCH_JOB', 1, '{"n":1}', (case when n % 10 = 0 then 'relayed' else 'pending' end)::outbox_state
    from generate_series(1, ${jobs}::int) n`
  const inQueue = await timesOf(tries, () => queue.getJobCounts(...STATES))
  const countRows = () =>
    ours.prisma.$queryRaw`
      select type, state::text, count(*)::int, min(available_at) from outbox where state in ('pending', 'relayed')
      group by type, state`
  const fresh = await timesOf(tries, countRows)
  // As the database does by itself within a minute or so; then the index alone is read.
  await ours.prisma.$executeRaw`vacuum analyze outbox`
  const tidy = await timesOf(tries, countRows)
  await ours.prisma.$executeRaw`delete from outbox`
  await ours.stop()
  const many = jobs.toLocaleString('en')
  return {
    rows: [
      rowOf(`BullMQ's counts of ${many} jobs`, inQueue),
      rowOf(`counts and age of ${many} outbox rows, all new`, fresh),
      rowOf(`the same, vacuumed`, tidy),
    ],
    data: { inQueue, fresh, tidy },
  }
}

const rowOf = (what: string, times: number[]): Row => ({
  what,
  value: `p50 ${median(times).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`,
  note: 'aim: under 50 ms',
})
