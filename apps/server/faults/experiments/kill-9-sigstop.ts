import { setTimeout as sleep } from 'node:timers/promises'

import { LEASE_TIMINGS } from '../../src/modules/printers/lease-keeper.js'
import { FIVE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment, type Trial } from '../experiment.js'
import type { GantryInstance } from '../farm/gantry-instance.js'
import type { SeededRandom } from '../random.js'
import { KILLS, momentOf } from './kill-9.js'

const FREEZES = 40
/** In leases: the shortest is over before the others look, the longest after they have taken everything up. */
const FROM_LEASES = 1.02
const TO_LEASES = 1.6

/** Every instance freezes and dies in an order of its own, which the seed decides. */
const freezeAndKill = async (trial: Trial, instance: GantryInstance, index: number): Promise<void> => {
  const draws = trial.random.stream(`faults of ${instance.name}`)
  for (const fault of shuffled(draws, shareOf('freezes', index, trial), shareOf('kill -9', index, trial))) {
    await momentOf(instance, draws)
    if (fault === 'freeze') {
      const frozenMs = draws.between(FROM_LEASES, TO_LEASES) * LEASE_TIMINGS.leaseSeconds * 1_000
      await instance.ready()
      instance.freeze()
      await sleep(frozenMs)
      instance.thaw()
      trial.struck('freezes')
    } else {
      await instance.kill()
      instance.start()
      trial.struck('kill -9')
    }
    trial.disturbed()
  }
  await instance.ready()
}

const shareOf = (fault: string, index: number, { farm, ordered }: Trial): number => {
  const count = ordered(fault)
  const { length } = farm.instances
  return Math.floor(count / length) + (index < count % length ? 1 : 0)
}

const shuffled = (draws: SeededRandom, freezes: number, kills: number): ('freeze' | 'kill')[] => {
  const left = { freeze: freezes, kill: kills }
  return Array.from({ length: freezes + kills }, () => {
    const fault = draws.chance(left.freeze / (left.freeze + left.kill)) ? 'freeze' : 'kill'
    left[fault] -= 1
    return fault
  })
}

export const kill9Sigstop: Experiment = {
  name: 'kill-9-sigstop',
  sentence: 'killed 60 times, and 40 times frozen for longer than a lease lasts',
  farm: THREE_INSTANCES,
  orders: FIVE_HUNDRED_COPIES,
  faults: { 'kill -9': KILLS, freezes: FREEZES },
  run: async (trial) => {
    await Promise.all(trial.farm.instances.map((instance, index) => freezeAndKill(trial, instance, index)))
  },
}
