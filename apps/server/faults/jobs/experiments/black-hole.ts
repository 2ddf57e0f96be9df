import { setTimeout as sleep } from 'node:timers/promises'

import { eventually } from '../../eventually.js'
import type { JobExperiment, JobTrial } from '../job-experiment.js'
import { atWork } from './at-work.js'

const HOLE_MS = 20_000
const PATIENCE_MS = 60_000

/** Cuts what passes between the workers and Redis, and notes how long it takes until a job is done that was ordered since. */
const whileCut = async (trial: JobTrial, cut: () => void, pass: () => Promise<void>): Promise<void> => {
  const { workshop, orders, recovered } = trial
  await orders.share(1, 2)
  await atWork(workshop)
  cut()
  const from = orders.placed
  await orders.rest()
  await pass()
  const began = performance.now()
  const done = async () =>
    (await workshop.db.steadily('SELECT FROM trial_effect WHERE n >= $1 LIMIT 1', [from])).length > 0
  await eventually('a job is done', done, { withinMs: PATIENCE_MS, everyMs: 20 })
  recovered(performance.now() - began)
}

const cutOff = { backend: 'redis', workers: 2, jobs: 150 } as const

export const blackHole: JobExperiment = {
  ...cutOff,
  name: 'jobs-black-hole',
  sentence: 'nothing passes between the workers and Redis for 20 s, and no connection is closed',
  faults: { 'black holes': 1 },
  run: (trial) => {
    const { toRedis } = trial.workshop
    return whileCut(
      trial,
      () => toRedis.hold(),
      async () => {
        await sleep(HOLE_MS)
        toRedis.release()
        trial.struck('black holes')
      },
    )
  },
}

export const deadSockets: JobExperiment = {
  ...cutOff,
  name: 'jobs-dead-sockets',
  sentence: 'nothing passes any more through the open connections to Redis, and only new ones work',
  faults: { 'dead links': 1 },
  run: (trial) =>
    whileCut(
      trial,
      () => trial.workshop.toRedis.strand(),
      () => {
        trial.struck('dead links')
        return Promise.resolve()
      },
    ),
}
