import { setTimeout as sleep } from 'node:timers/promises'

import { eventually } from '../../eventually.js'
import type { JobExperiment, JobTrial } from '../job-experiment.js'
import { atWork } from './at-work.js'

const HOLE_MS = 20_000
const PATIENCE_MS = 60_000

/** How long it takes from now until a job is done of those that were ordered from the `from`th on. */
const untilDone = async ({ workshop: { db }, recovered }: JobTrial, from: number): Promise<void> => {
  const began = performance.now()
  const done = async () => (await db.steadily('SELECT FROM trial_effect WHERE n >= $1 LIMIT 1', [from])).length > 0
  await eventually('a job is done', done, { withinMs: PATIENCE_MS, everyMs: 20 })
  recovered(performance.now() - began)
}

export const blackHole: JobExperiment = {
  name: 'jobs-black-hole',
  sentence: 'nothing passes between the workers and Redis for 20 s, and no connection is closed',
  backend: 'redis',
  workers: 2,
  jobs: 150,
  faults: { 'black holes': 1 },
  run: async (trial) => {
    const { workshop, orders, struck } = trial
    await orders.share(1, 2)
    await atWork(workshop)
    workshop.toRedis.hold()
    const from = orders.placed
    await orders.rest()
    await sleep(HOLE_MS)
    workshop.toRedis.release()
    struck('black holes')
    await untilDone(trial, from)
  },
}

export const deadSockets: JobExperiment = {
  name: 'jobs-dead-sockets',
  sentence: 'nothing passes any more through the open connections to Redis, and only new ones work',
  backend: 'redis',
  workers: 2,
  jobs: 150,
  faults: { 'dead links': 1 },
  run: async (trial) => {
    const { workshop, orders, struck } = trial
    await orders.share(1, 2)
    await atWork(workshop)
    workshop.toRedis.strand()
    const from = orders.placed
    struck('dead links')
    await orders.rest()
    await untilDone(trial, from)
  },
}
