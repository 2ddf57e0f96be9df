import { setTimeout as sleep } from 'node:timers/promises'

import { isGantryApiError } from '@gantry/client'

import { eventually } from '../eventually.js'
import { THREE_INSTANCES, type Experiment, type Trial } from '../experiment.js'

const CANCELS = 500
/** Orders of one copy that are open at a time: a few more than there are printers. */
const OPEN = 60
/** From the order on: some are cancelled in the queue, some during each step, some when they are done. */
const LATEST_MS = 16_000

const orderAndCancel = async ({ customer, farm, struck }: Trial, afterMs: number): Promise<void> => {
  const { jobId } = await customer.order(1)
  await sleep(afterMs)
  await eventually('a cancel is taken', async () => {
    try {
      await farm.gantry.printJobs.cancel({ id: jobId })
      return true
    } catch (error) {
      if (isGantryApiError(error) && error.retryable) return false
      throw error
    }
  })
  struck('cancels')
}

export const cancel: Experiment = {
  name: 'cancel',
  sentence: '500 copies are cancelled at a random moment between the order and the end of the print',
  farm: THREE_INSTANCES,
  orders: { copies: 0, copiesPerJob: 1, print: { machineSeconds: 200 } },
  faults: { cancels: CANCELS },
  run: async (trial) => {
    const draws = trial.random.stream('cancels')
    const moments = Array.from({ length: trial.ordered('cancels') }, () => draws.between(0, LATEST_MS))
    const work = async () => {
      for (let next = moments.shift(); next !== undefined; next = moments.shift()) await orderAndCancel(trial, next)
    }
    await Promise.all(Array.from({ length: OPEN }, work))
  },
}
