import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { endProcess } from '../../processes/source-process.js'
import { mebibytes, type BenchOptions, type Row } from '../report.js'
import { sourceArguments } from '../server-process.js'
import { BENCH_QUEUE, openJobs, payloadOf, type ShopAddress } from './job-shop.js'
import type { MemoryReading } from './memory-worker.js'

const JOBS = 100_000
const BATCH = 1_000
/** So many wait at most, so that the queue stays small. */
const MOST_WAITING = 5_000
/** Past this everything is loaded and compiled. */
const WARM = 0.1

const read = async (child: ChildProcess, clear: boolean): Promise<MemoryReading> => {
  const reply = once(child, 'message')
  child.send(clear)
  return ((await reply) as [MemoryReading])[0]
}

/** What a worker process holds, after clearing up, while so many jobs go through it. */
export const memory = async (
  address: ShopAddress,
  { quick }: BenchOptions,
): Promise<{ rows: Row[]; data: unknown }> => {
  const jobs = quick ? BATCH : JOBS
  const ours = await openJobs(address, () => Promise.resolve(), { work: false })
  const child = spawn(process.execPath, [...sourceArguments('./jobs/memory-worker.ts'), JSON.stringify(address)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  try {
    await once(child, 'message')
    const readings: MemoryReading[] = [await read(child, true)]
    for (const share of [WARM, 0.5, 1]) {
      await throughWorker(ours.jobs.queues.get(BENCH_QUEUE), child, Math.round(jobs * share))
      readings.push(await read(child, true))
    }
    return { rows: rowsOf(readings), data: readings }
  } finally {
    await endProcess(child)
    await ours.stop()
  }
}

type OurQueue = ReturnType<Awaited<ReturnType<typeof openJobs>>['jobs']['queues']['get']>

const throughWorker = async (queue: OurQueue, child: ChildProcess, upTo: number): Promise<void> => {
  const began = await read(child, false)
  let [added, { handled }] = [began.handled, began]
  while (handled < upTo) {
    if (added < upTo && added - handled < MOST_WAITING) {
      const batch = Array.from({ length: Math.min(BATCH, upTo - added) }, (_, index) => added + index)
      await queue?.addBulk(batch.map((n) => ({ name: 'BENCH_JOB', data: { version: 1, payload: payloadOf(n) } })))
      added += batch.length
    } else await sleep(100)
    handled = (await read(child, false)).handled
  }
}

const rowsOf = (readings: readonly MemoryReading[]): Row[] =>
  readings.map(({ handled, heapBytes, rssBytes }) => ({
    what: `a worker after ${handled.toLocaleString('en')} jobs`,
    value: `heap ${(heapBytes / 1024 / 1024).toFixed(1)} MiB, RSS ${mebibytes(rssBytes)}`,
    note: handled === 0 ? 'cleared up' : 'cleared up; aim: flat',
  }))
