import { setTimeout as sleep } from 'node:timers/promises'

import { onBothBackends } from '../job-experiment.js'
import { atWork } from './at-work.js'

const MOMENT_MS = 500
/** 8 s to finish, 1 s to listen to the signal, and some for a machine that has much to do. */
const CAP_MS = 15_000

export const shutdowns = onBothBackends({
  name: 'jobs-shutdown',
  sentence: 'two processes are told to stop five times, with jobs at work of which some never end by themselves',
  workers: 2,
  jobs: 200,
  faults: { SIGTERM: 5 },
  // Longer than a process that stops gives its jobs: what never ends is handed back, and not timed out.
  timeoutMs: 30_000,
  run: async ({ workshop, orders, random, ordered, struck }) => {
    const draws = random.stream('stops')
    const stops = ordered('SIGTERM')
    for (let count = 1; count <= stops; count += 1) {
      await orders.special('stubborn')
      await orders.share(count, stops)
      const worker = draws.pick(await atWork(workshop))
      await sleep(draws.between(0, MOMENT_MS))
      const tookMs = await worker.stop()
      if (tookMs > CAP_MS) throw new Error(`${worker.name} took ${Math.round(tookMs / 1_000)} s to stop`)
      struck('SIGTERM')
      worker.start()
    }
  },
})
