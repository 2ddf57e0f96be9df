import { setTimeout as sleep } from 'node:timers/promises'

import { eventually } from '../eventually.js'
import type { Experiment } from '../experiment.js'

const RESTARTS = 50
const LONGEST_MS = 2_000

export const restartMidPrint: Experiment = {
  name: 'restart-mid-print',
  sentence: 'the only instance is stopped in order and started again 50 times while prints run',
  farm: { instances: 1, octoprint: 15, moonraker: 15, speed: 50 },
  orders: { copies: 200, copiesPerJob: 20, print: { machineSeconds: 600 } },
  faults: { restarts: RESTARTS },
  run: async ({ farm, random, ordered, struck, disturbed }) => {
    const draws = random.stream('restarts')
    const [instance] = farm.instances
    if (instance === undefined) throw new Error('there is no instance')
    for (let count = 0; count < ordered('restarts'); count += 1) {
      const afterMs = draws.between(0, LONGEST_MS)
      await instance.ready()
      await eventually('a print runs', async () => (await farm.fleet.machines()).some(({ job }) => job !== null))
      await sleep(afterMs)
      const code = await instance.terminate()
      if (code !== 0) throw new Error(`the instance ended with code ${code ?? 'none'} instead of 0`)
      instance.start()
      struck('restarts')
      disturbed()
    }
    await instance.ready()
  },
}
