import { FIVE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment } from '../experiment.js'

const CUTS = 200
/** A little less than a print file of these experiments has. */
const BYTES = 2_300

export const cutUploads: Experiment = {
  name: 'cut-uploads',
  sentence: 'the connection of 200 uploads is cut after a random number of bytes',
  farm: THREE_INSTANCES,
  orders: FIVE_HUNDRED_COPIES,
  faults: { 'uploads cut': CUTS },
  prepare: async ({ farm, random, ordered }) => {
    const draws = random.stream('cuts')
    const { printers } = farm.fleet
    for (let count = 0; count < ordered('uploads cut'); count += 1) {
      const atByte = draws.whole(0, BYTES)
      await farm.fleet.arm({ fault: 'cut_upload', atByte, times: 1 }, printers[count % printers.length]?.name)
    }
  },
  run: () => Promise.resolve(),
  conclude: async ({ farm, struck }) => struck('uploads cut', await farm.fleet.struck('cut_upload')),
}
