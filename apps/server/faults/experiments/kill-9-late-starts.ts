import { FIVE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment } from '../experiment.js'
import { killAtRandom, KILLS } from './kill-9.js'

const SHARE = 0.2
const SHORTEST_MS = 500
const LONGEST_MS = 9_000
/** Of 500 starts a fifth is late; a draw that gives much fewer would say little. */
const AT_LEAST = 60

export const kill9LateStarts: Experiment = {
  name: 'kill-9-late-starts',
  sentence: 'killed as often, while 20 % of the starts land seconds after the caller was cut off',
  farm: THREE_INSTANCES,
  orders: FIVE_HUNDRED_COPIES,
  faults: { 'kill -9': KILLS, 'late starts': AT_LEAST },
  prepare: async ({ farm, random }) => {
    const draws = random.stream('late starts')
    for (const { name } of farm.fleet.printers) {
      const delayMs = draws.whole(SHORTEST_MS, LONGEST_MS)
      const answer = draws.pick(['dropped', 'hanging'] as const)
      await farm.fleet.arm({ fault: 'late_start', delayMs, answer, probability: SHARE, times: null }, name)
    }
  },
  run: killAtRandom,
  conclude: async ({ farm, struck }) => struck('late starts', await farm.fleet.struck('late_start')),
}
