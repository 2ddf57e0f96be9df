import { THREE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment } from '../experiment.js'
import { keepBusy } from './keep-busy.js'

const CUTS = 200
/** Many times what a connection takes at once, so that a cut falls into the midst of what is sent. */
const FILE_BYTES = 400_000
const OPEN_COPIES = 100

export const cutUploads: Experiment = {
  name: 'cut-uploads',
  sentence: 'the connection of 200 uploads is cut after a random number of bytes',
  farm: THREE_INSTANCES,
  orders: { ...THREE_HUNDRED_COPIES, print: { machineSeconds: 200, bytes: FILE_BYTES } },
  faults: { 'uploads cut': CUTS },
  prepare: async ({ farm, random, ordered }) => {
    const draws = random.stream('cuts')
    const { printers } = farm.fleet
    for (let count = 0; count < ordered('uploads cut'); count += 1) {
      const atByte = draws.whole(0, FILE_BYTES)
      await farm.fleet.arm({ fault: 'cut_upload', atByte, times: 1 }, printers[count % printers.length]?.name)
    }
  },
  run: async (trial) => {
    const { farm, ordered, struck } = trial
    const isOver = async () => (await farm.fleet.struck('cut_upload')) >= ordered('uploads cut')
    await keepBusy(trial, Math.min(OPEN_COPIES, trial.customer.copies), isOver)
    struck('uploads cut', await farm.fleet.struck('cut_upload'))
  },
}
