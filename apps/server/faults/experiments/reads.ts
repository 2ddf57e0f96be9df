import type { Experiment, Trial } from '../experiment.js'
import type { FarmOptions } from '../farm/farm.js'
import { ONE_FOR_ALL } from '../farm/materials.js'
import { breakInTurn, type Way } from '../reading/breakages.js'
import { gather } from '../reading/crowd.js'
import { LAYERED_WAYS, PLAIN_WAYS } from '../reading/ways.js'
import { keepBusy } from './keep-busy.js'

/** Some that print, so that lists change by themselves too; what is tried is what people are shown. */
const FARM: FarmOptions = { instances: 3, octoprint: 2, moonraker: 2, speed: 50, stock: ONE_FOR_ALL }
const ORDERS = { copies: 8, copiesPerJob: 4, print: { machineSeconds: 200 } }
const OPEN = 2

/** Answers that must have been given for a run to say anything. */
const READS = { answers: 200, 'kept answers': 20, refusals: 10 }

const readAndBreak = async (trial: Trial, ways: Readonly<Record<string, Way>>): Promise<void> => {
  const crowd = await gather(trial)
  let isOver = false
  const busy = keepBusy(trial, OPEN, () => isOver)
  try {
    await breakInTurn(crowd, ways)
  } finally {
    isOver = true
    const [{ reads, kept, refused }] = await Promise.all([crowd.disperse(), busy])
    trial.struck('answers', reads)
    trial.struck('kept answers', kept)
    trial.struck('refusals', refused)
  }
}

export const reads: Experiment = {
  name: 'reads',
  sentence: 'people change and list projects at three instances, whose database is stopped, and their notices cut',
  farm: FARM,
  orders: ORDERS,
  faults: { 'database stopped': 3, 'LISTEN cut': 4, ...READS },
  run: (trial) => readAndBreak(trial, PLAIN_WAYS),
}

export const readsReplicated: Experiment = {
  name: 'reads-replicated',
  sentence:
    'the same with two replicas and a Redis, which are paused, late, killed, wiped, full, spoiled and unreachable',
  farm: { ...FARM, shape: 'replicated' },
  orders: ORDERS,
  faults: {
    ...{ 'database stopped': 1, 'LISTEN cut': 1, 'Redis wiped': 2, 'Redis restarted': 1, 'Redis full': 1 },
    ...{ 'Redis spoiled': 1, 'Redis black hole': 2, 'replica paused': 2, 'replica 30 s behind': 1 },
    ...{ 'replica killed': 1, 'all replicas gone': 1, ...READS },
  },
  run: (trial) => readAndBreak(trial, LAYERED_WAYS),
}
