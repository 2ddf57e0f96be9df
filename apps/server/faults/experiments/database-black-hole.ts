import { setTimeout as sleep } from 'node:timers/promises'

import { FIVE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment } from '../experiment.js'

const HELD_MS = 60_000
const FROM_MS = 3_000
const TO_MS = 15_000

export const databaseBlackHole: Experiment = {
  name: 'database-black-hole',
  sentence: 'nothing passes between one instance and the database for 60 s; its printers stay reachable',
  farm: THREE_INSTANCES,
  orders: FIVE_HUNDRED_COPIES,
  faults: { 'black hole': 1, 'copies ended meanwhile by others': 1 },
  run: async ({ farm, random, struck, disturbed, ended }) => {
    const draws = random.stream('black hole')
    await sleep(draws.between(FROM_MS, TO_MS))
    const link = draws.pick(farm.links)
    link.hold()
    const before = await ended()
    await sleep(HELD_MS)
    const meanwhile = (await ended()) - before
    link.release()
    disturbed()
    struck('black hole')
    struck('copies ended meanwhile by others', meanwhile)
  },
}
