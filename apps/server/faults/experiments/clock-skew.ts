import { fileURLToPath } from 'node:url'

import { setTimeout as sleep } from 'node:timers/promises'

import { THREE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment } from '../experiment.js'

const AHEAD = fileURLToPath(new URL('../farm/clock-ahead.ts', import.meta.url))
const BEHIND = fileURLToPath(new URL('../farm/clock-behind.ts', import.meta.url))
const KILLS = 6
const FROM_MS = 2_000
const TO_MS = 8_000

export const clockSkew: Experiment = {
  name: 'clock-skew',
  sentence:
    'the clock of one instance is an hour ahead, of another an hour behind, and printers change hands; users call the third',
  farm: {
    ...THREE_INSTANCES,
    // A token of one clock is over, or not yet valid, by the other: users are sent to the instance whose clock is right.
    apart: [0, 1],
    preload: (instance) => [[AHEAD], [BEHIND], []][instance] ?? [],
  },
  orders: THREE_HUNDRED_COPIES,
  faults: { 'kill -9': KILLS },
  run: async ({ farm, random, ordered, struck, disturbed }) => {
    const draws = random.stream('kills')
    for (let count = 0; count < ordered('kill -9'); count += 1) {
      const victim = farm.instances[count % farm.instances.length]
      await sleep(draws.between(FROM_MS, TO_MS))
      await victim?.kill()
      victim?.start()
      await victim?.ready()
      struck('kill -9')
      disturbed()
    }
  },
}
