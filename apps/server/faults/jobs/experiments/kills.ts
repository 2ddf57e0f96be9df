import { setTimeout as sleep } from 'node:timers/promises'

import { onBothBackends } from '../job-experiment.js'
import { atWork } from './at-work.js'

/** How long after it was seen at work a process is killed, at most. */
const MOMENT_MS = 500

export const kills = onBothBackends({
  name: 'jobs-kill-9',
  sentence: 'three processes that do 500 jobs are killed ten times at work and started again',
  workers: 3,
  jobs: 500,
  faults: { 'kill -9': 10 },
  run: async ({ workshop, orders, random, ordered, struck }) => {
    const draws = random.stream('kills')
    const kills = ordered('kill -9')
    for (let count = 1; count <= kills; count += 1) {
      await orders.share(count, kills)
      const worker = draws.pick(await atWork(workshop))
      await sleep(draws.between(0, MOMENT_MS))
      await worker.kill()
      struck('kill -9')
      worker.start()
    }
  },
})
