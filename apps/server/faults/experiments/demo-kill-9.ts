import { setTimeout as sleep } from 'node:timers/promises'

import { eventually } from '../eventually.js'
import type { Experiment, Trial } from '../experiment.js'
import { ONE_FOR_ALL } from '../farm/materials.js'

const KILLS = 10
const COPIES = 12
/** After the first step that a life of the server makes: twelve copies have some sixty steps in all. */
const LONGEST_MS = 600

const stepsMade = async ({ farm }: Trial): Promise<number> => {
  const sql = `SELECT count(*)::int AS steps FROM event WHERE type = 'attempt.changed'`
  const [row] = await farm.db.steadily<{ steps: number }>(sql)
  return row?.steps ?? 0
}

export const demoKill9: Experiment = {
  name: 'demo-kill-9',
  sentence:
    'the farm of `npm run demo`, whose only server is killed 10 times at work, prints its 12 copies exactly once',
  farm: { instances: 1, octoprint: 3, moonraker: 3, speed: 85, stock: ONE_FOR_ALL, shape: 'embedded' },
  orders: { copies: COPIES, copiesPerJob: COPIES, print: { file: 'demo-token.gcode' } },
  faults: { 'kill -9': KILLS, starts: COPIES },
  run: async (trial) => {
    const { farm, random, ordered, struck, disturbed } = trial
    const draws = random.stream('kills')
    const [server] = farm.instances
    for (let count = 0; count < ordered('kill -9'); count += 1) {
      const before = await stepsMade(trial)
      const afterMs = draws.between(0, LONGEST_MS)
      await eventually('the server works', async () => (await stepsMade(trial)) > before)
      await sleep(afterMs)
      await server?.kill()
      server?.start()
      struck('kill -9')
      disturbed()
      await server?.ready()
    }
  },
  conclude: async ({ farm, ordered, struck }) => {
    const starts = await farm.fleet.starts()
    if (starts.length !== ordered('starts')) throw new Error(`the printers count ${starts.length} starts`)
    struck('starts', starts.length)
  },
}
