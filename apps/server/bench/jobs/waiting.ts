import { setTimeout as sleep } from 'node:timers/promises'

import { median, percentile, type BenchOptions, type Row } from '../report.js'
import { benchJob, openJobs, payloadOf, type ShopAddress } from './job-shop.js'

const PER_SECOND = 200
const LONGEST_MS = 30_000

/** From each order to the begin of its handler, while so many are ordered each second whether or not they are done. */
export const waiting = async (
  address: ShopAddress,
  { quick }: BenchOptions,
): Promise<{ rows: Row[]; data: unknown }> => {
  const orderedMs: number[] = []
  const waited: number[] = []
  const ours = await openJobs(address, ({ payload: { n } }) => {
    waited.push(performance.now() - (orderedMs[n] ?? NaN))
    return Promise.resolve()
  })
  const measure = async (add: (n: number) => Promise<unknown>, seconds: number): Promise<number[]> => {
    waited.length = orderedMs.length = 0
    const began = performance.now()
    const adding: Promise<unknown>[] = []
    for (let n = 0; n < seconds * PER_SECOND; n += 1) {
      const dueMs = began + (n / PER_SECOND) * 1_000 - performance.now()
      if (dueMs > 0) await sleep(dueMs)
      orderedMs[n] = performance.now()
      adding.push(add(n))
    }
    await Promise.all(adding)
    const until = performance.now() + LONGEST_MS
    while (waited.length < adding.length) {
      if (performance.now() > until) throw new Error(`only ${waited.length} of ${adding.length} jobs began`)
      await sleep(20)
    }
    return [...waited]
  }
  const wake = (n: number) => ours.jobs.wake(benchJob, payloadOf(n))
  const order = (n: number) => ours.unitOfWork.run((tx) => Promise.resolve(tx.jobs.add(benchJob, payloadOf(n))))
  await measure(wake, 1)
  const seconds = quick ? 1 : 8
  const [woken, ordered] = [await measure(wake, seconds), await measure(order, seconds)]
  await ours.stop()
  return {
    rows: [rowOf('jobs.wake', woken, 'aim: p99 under 50 ms'), rowOf('outbox', ordered, 'the transaction included')],
    data: { woken, ordered },
  }
}

const rowOf = (what: string, waits: number[], note: string): Row => ({
  what: `${what}, ${PER_SECOND} jobs/s: order to begin`,
  value: `p50 ${median(waits).toFixed(1)} ms, p99 ${percentile(waits, 0.99).toFixed(1)} ms`,
  note,
})
