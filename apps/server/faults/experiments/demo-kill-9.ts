import { setTimeout as sleep } from 'node:timers/promises'

import type { Experiment } from '../experiment.js'
import { ONE_FOR_ALL } from '../farm/materials.js'

const KILLS = 10
const COPIES = 12
const SHORTEST_MS = 200
const LONGEST_MS = 3_000

export const demoKill9: Experiment = {
  name: 'demo-kill-9',
  sentence: 'the farm of `npm run demo`, whose only server is killed 10 times, prints its 12 copies exactly once',
  farm: { instances: 1, octoprint: 3, moonraker: 3, speed: 85, stock: ONE_FOR_ALL, embedded: true },
  orders: { copies: COPIES, copiesPerJob: COPIES, print: { file: 'demo-token.gcode' } },
  faults: { 'kill -9': KILLS, starts: COPIES },
  run: async ({ farm, random, ordered, struck, disturbed }) => {
    const draws = random.stream('kills')
    const [server] = farm.instances
    if (server === undefined) throw new Error('there is no server')
    for (let count = 0; count < ordered('kill -9'); count += 1) {
      await sleep(draws.between(SHORTEST_MS, LONGEST_MS))
      await server.kill()
      server.start()
      struck('kill -9')
      disturbed()
      await server.ready()
    }
  },
  conclude: async ({ farm, ordered, struck }) => {
    const starts = await farm.fleet.starts()
    if (starts.length !== ordered('starts')) throw new Error(`the printers count ${starts.length} starts`)
    struck('starts', starts.length)
  },
}
