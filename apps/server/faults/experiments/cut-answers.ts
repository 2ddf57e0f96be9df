import { FIVE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment } from '../experiment.js'

const SHARE = 0.3
/** Of 500 starts 150 answers are cut; a draw that gives much fewer would say little. */
const AT_LEAST = 110

export const cutAnswers: Experiment = {
  name: 'cut-answers',
  sentence: '30 % of the starts are carried out while their answer is cut off',
  farm: THREE_INSTANCES,
  orders: FIVE_HUNDRED_COPIES,
  faults: { 'answers cut': AT_LEAST },
  prepare: ({ farm }) => farm.fleet.arm({ fault: 'lost_answer', calls: 'start', probability: SHARE, times: null }),
  run: () => Promise.resolve(),
  conclude: async ({ farm, struck }) => struck('answers cut', await farm.fleet.struck('lost_answer')),
}
