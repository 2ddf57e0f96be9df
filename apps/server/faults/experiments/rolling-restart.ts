import { setTimeout as sleep } from 'node:timers/promises'

import { THREE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment } from '../experiment.js'

const ROUNDS = 5
const LONGEST_MS = 3_000

export const rollingRestart: Experiment = {
  name: 'rolling-restart',
  sentence: 'three instances under load are stopped in order and started again, one after the other, five times round',
  farm: THREE_INSTANCES,
  orders: THREE_HUNDRED_COPIES,
  faults: { restarts: 3 * ROUNDS },
  run: async ({ farm, random, ordered, struck, disturbed }) => {
    const draws = random.stream('restarts')
    for (let count = 0; count < ordered('restarts'); count += 1) {
      const instance = farm.instances[count % farm.instances.length]
      await sleep(draws.between(0, LONGEST_MS))
      const code = await instance?.terminate()
      if (code !== 0) throw new Error(`an instance ended with code ${code ?? 'none'} instead of 0`)
      instance?.start()
      await instance?.ready()
      struck('restarts')
      disturbed()
    }
  },
}
