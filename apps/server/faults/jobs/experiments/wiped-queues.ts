import { setTimeout as sleep } from 'node:timers/promises'

import { onBothBackends } from '../job-experiment.js'
import { atWork } from './at-work.js'

const MOMENT_MS = 500

export const wipedQueues = onBothBackends({
  name: 'jobs-queue-wiped',
  sentence: 'what the queues hold is removed five times while 300 jobs wait and run',
  workers: 2,
  jobs: 300,
  faults: { wipes: 5 },
  run: async ({ workshop, orders, random, ordered, struck }) => {
    const draws = random.stream('wipes')
    const wipes = ordered('wipes')
    for (let count = 1; count <= wipes; count += 1) {
      await orders.share(count, wipes)
      await atWork(workshop)
      await sleep(draws.between(0, MOMENT_MS))
      await workshop.wipeQueues()
      struck('wipes')
    }
  },
})
