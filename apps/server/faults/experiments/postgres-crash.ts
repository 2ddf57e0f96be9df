import { setTimeout as sleep } from 'node:timers/promises'

import { THREE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment } from '../experiment.js'

const CRASHES = 20
const FROM_MS = 500
const TO_MS = 6_000
const LONGEST_DOWN_MS = 1_500

export const postgresCrash: Experiment = {
  name: 'postgres-crash',
  sentence: 'PostgreSQL is stopped at once, in the midst of everything, 20 times',
  farm: THREE_INSTANCES,
  orders: THREE_HUNDRED_COPIES,
  faults: { crashes: CRASHES },
  run: async ({ farm, random, ordered, struck, disturbed }) => {
    const draws = random.stream('crashes')
    for (let count = 0; count < ordered('crashes'); count += 1) {
      await sleep(draws.between(FROM_MS, TO_MS))
      await farm.postgres.crash()
      await sleep(draws.between(0, LONGEST_DOWN_MS))
      await farm.postgres.boot()
      struck('crashes')
      disturbed()
    }
  },
}
