import { setTimeout as sleep } from 'node:timers/promises'

import { median, range, type BenchOptions, type Row } from '../report.js'
import { benchJob, CONCURRENCY, openBull, openJobs, payloadOf, type ShopAddress } from './job-shop.js'

/** Orders under way at a time. */
const LANES = 10

/** Many, since what else the machine does strikes now one way and now another. */
const ROUNDS = 11

interface Way {
  what: string
  add: (n: number) => Promise<unknown>
  /** Of all jobs of a round, so that rounds of slow ways are not long. @default 1 */
  share?: number
}

/** Counts what was handled; {@link reached} resolves when it is so much. */
class Handled {
  private count = 0
  private goal: { at: number; reached: () => void } | null = null

  readonly handle = (): Promise<void> => {
    this.count += 1
    if (this.goal !== null && this.count >= this.goal.at) this.goal.reached()
    return Promise.resolve()
  }

  more(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.goal = { at: this.count + count, reached: resolve }
    })
  }
}

const inLanes = async (count: number, add: Way['add']): Promise<void> => {
  let next = 0
  const lane = async () => {
    while (next < count) await add(next++)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

/**
 * Jobs per second from the first order to the last that was handled, each way in turn, round by round, so that what else
 * the machine does strikes all of them.
 */
export const throughput = async (
  address: ShopAddress,
  count: number,
  outboxShare: number,
  { quick }: BenchOptions,
): Promise<{ rows: Row[]; data: unknown }> => {
  const handled = new Handled()
  // First, since it brings the schema up to date.
  const ours = await openJobs(address, handled.handle)
  const bull = await openBull(address, handled.handle)
  const options = { attempts: benchJob.attempts, backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 } }
  const ways: Way[] = [
    { what: 'BullMQ', add: (n) => bull.add('BENCH_JOB', { version: 1, payload: payloadOf(n) }, options) },
    { what: 'jobs.wake', add: (n) => ours.jobs.wake(benchJob, payloadOf(n)) },
    {
      what: 'outbox',
      share: outboxShare,
      add: (n) => ours.unitOfWork.run((tx) => Promise.resolve(tx.jobs.add(benchJob, payloadOf(n)))),
    },
  ]
  const rates = ways.map((): number[] => [])
  const [rounds, most] = quick ? [1, 48] : [ROUNDS, count]
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, { add, share = 1 }] of ways.entries()) {
      const jobs = Math.round(most * share)
      const all = handled.more(jobs)
      const began = performance.now()
      await inLanes(jobs, add)
      await all
      // The first round warms up.
      if (round > 0) rates[index]?.push((jobs / (performance.now() - began)) * 1_000)
      await sleep(200)
    }
  }
  await bull.stop()
  await ours.stop()
  return { rows: ways.map(({ what }, index) => rowOf(what, rates[index] ?? [], rates[0] ?? [])), data: rates }
}

const rowOf = (what: string, own: number[], first: number[]): Row => {
  const ratios = own.map((rate, round) => rate / (first[round] ?? NaN))
  const aim = what === 'jobs.wake' ? ', aim 0.85' : ''
  const note = own === first ? '' : `${median(ratios).toFixed(2)} of BullMQ (${range(ratios)})${aim}`
  return { what: `${what}, ${CONCURRENCY} at a time`, value: `${median(own).toFixed(0)} jobs/s`, note }
}
