import { setTimeout as sleep } from 'node:timers/promises'

import { eventually } from '../eventually.js'
import type { Experiment, Trial } from '../experiment.js'
import { keepBusy } from './keep-busy.js'

const RESTARTS = 50
const LONGEST_MS = 2_000
/** Twice as many as there are printers, so that there is always a print to be in the midst of. */
const OPEN_COPIES = 60

const restartOnce = async ({ farm, struck, disturbed }: Trial, afterMs: number): Promise<void> => {
  const [instance] = farm.instances
  if (instance === undefined) throw new Error('there is no instance')
  await eventually('a print runs', async () => (await farm.fleet.machines()).some(({ job }) => job !== null))
  await sleep(afterMs)
  const code = await instance.terminate()
  if (code !== 0) throw new Error(`the instance ended with code ${code ?? 'none'} instead of 0`)
  instance.start()
  struck('restarts')
  disturbed()
  await instance.ready()
}

const restartAgainAndAgain = async (trial: Trial): Promise<void> => {
  const draws = trial.random.stream('restarts')
  for (let count = 0; count < trial.ordered('restarts'); count += 1)
    await restartOnce(trial, draws.between(0, LONGEST_MS))
}

export const restartMidPrint: Experiment = {
  name: 'restart-mid-print',
  sentence: 'the only instance is stopped in order and started again 50 times while prints run',
  farm: { instances: 1, octoprint: 15, moonraker: 15, speed: 50 },
  orders: { copies: OPEN_COPIES, copiesPerJob: 20, print: { machineSeconds: 600 } },
  faults: { restarts: RESTARTS },
  run: async (trial) => {
    const restarts = restartAgainAndAgain(trial)
    let isOver = false
    void restarts.catch(() => undefined).then(() => (isOver = true))
    await Promise.all([restarts, keepBusy(trial, OPEN_COPIES, () => isOver)])
  },
}
