import { setTimeout as sleep } from 'node:timers/promises'

import { onBothBackends, type JobTrial } from '../job-experiment.js'
import { atWork } from './at-work.js'

const MOMENT_MS = 500
const LONGEST_DOWN_MS = 1_500

const stopPostgres = async ({ workshop: { postgres } }: JobTrial, downMs: number) => {
  await postgres.crash()
  await sleep(downMs)
  await postgres.boot()
}

const stopRedis = async ({ workshop: { redis } }: JobTrial, downMs: number) => {
  await redis.kill()
  await sleep(downMs)
  await redis.restart()
}

export const serversStopped = onBothBackends({
  name: 'jobs-servers-stopped',
  sentence: 'PostgreSQL, and Redis where it holds the queues, are stopped at once and started again, 6 times in all',
  workers: 2,
  jobs: 300,
  faults: { stops: 6 },
  run: async (trial, backend) => {
    const { workshop, orders, random, ordered, struck } = trial
    const draws = random.stream('stops')
    const stops = ordered('stops')
    for (let count = 1; count <= stops; count += 1) {
      await orders.share(count, stops)
      await atWork(workshop)
      await sleep(draws.between(0, MOMENT_MS))
      const stop = backend === 'redis' && count % 2 === 0 ? stopRedis : stopPostgres
      await stop(trial, draws.between(0, LONGEST_DOWN_MS))
      struck('stops')
    }
  },
})
