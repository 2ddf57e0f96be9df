import { setTimeout as sleep } from 'node:timers/promises'

import { FIVE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment, type Trial } from '../experiment.js'
import type { GantryInstance } from '../farm/gantry-instance.js'
import type { SeededRandom } from '../random.js'

export const KILLS = 60
/** How long an instance lives, once it is up. */
const SHORTEST_MS = 300
const LONGEST_MS = 8_000
/** So many are killed before they are up. */
const IN_START = 0.1
const START_MS = 3_000

/**
 * Kills each instance again and again at random moments of its life, and starts it again at once. The moments count
 * from when it is up, so that a slow machine kills as much work as a fast one.
 */
export const killAtRandom = async (trial: Trial): Promise<void> => {
  const { instances } = trial.farm
  const share = Math.ceil(trial.ordered('kill -9') / instances.length)
  await Promise.all(instances.map((instance) => killAgainAndAgain(trial, instance, share)))
}

const killAgainAndAgain = async (trial: Trial, instance: GantryInstance, kills: number): Promise<void> => {
  const draws = trial.random.stream(`kills of ${instance.name}`)
  for (let count = 0; count < kills; count += 1) {
    await momentOf(instance, draws)
    await instance.kill()
    trial.struck('kill -9')
    trial.disturbed()
    instance.start()
  }
  await instance.ready()
}

/** Waits for a random moment of an instance's life. */
export const momentOf = async (instance: GantryInstance, draws: SeededRandom): Promise<void> => {
  if (draws.chance(IN_START)) return sleep(draws.between(0, START_MS))
  const lives = draws.between(SHORTEST_MS, LONGEST_MS)
  await instance.ready()
  await sleep(lives)
}

export const kill9: Experiment = {
  name: 'kill-9',
  sentence: 'three instances are killed at 60 random moments and started again',
  farm: THREE_INSTANCES,
  orders: FIVE_HUNDRED_COPIES,
  faults: { 'kill -9': KILLS },
  run: killAtRandom,
}
