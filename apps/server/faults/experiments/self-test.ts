import { eventually } from '../eventually.js'
import type { Experiment } from '../experiment.js'
import type { Farm } from '../farm/farm.js'
import { ONE_FOR_ALL } from '../farm/materials.js'
import type { Start } from '../farm/virtual-printers.js'

const ROGUE_STARTS = 2

/** What a server that has lost its mind would do: prints a copy again, whatever lies on the bed. */
const startAgain = async ({ fleet }: Farm, { printer, name }: Start, round: number): Promise<void> => {
  const host = fleet.printers.find((candidate) => candidate.name === printer)
  if (host?.kind !== 'octoprint') throw new Error('the rogue knows OctoPrint alone')
  const form = new FormData()
  form.set('file', new Blob(['G28\nG1 X60 Y10 E5 F1200\n']), name.replace(/-[a-z0-9]{10}\./, `-0rogue000${round}.`))
  form.set('print', 'true')
  const headers = { 'x-api-key': host.apiKey }
  const response = await fetch(`${host.url}/api/files/local`, { method: 'POST', headers, body: form })
  if (!response.ok) throw new Error(`the host refused the rogue: ${response.status} ${await response.text()}`)
  await eventually('the print is over', async () => {
    const starts = await fleet.starts()
    return starts.every(({ outcome }) => outcome !== null)
  })
}

export const selfTest: Experiment = {
  name: 'self-test',
  sentence: 'the bench itself starts a copy again, behind the back of Gantry: the checker has to see it',
  farm: { instances: 1, octoprint: 2, moonraker: 0, speed: 50, stock: ONE_FOR_ALL },
  orders: { copies: 2, copiesPerJob: 2, print: { machineSeconds: 200 } },
  faults: { 'rogue starts': ROGUE_STARTS },
  mustFind: ['starts per copy above 1', 'starts on an occupied bed'],
  run: () => Promise.resolve(),
  // Nobody clears beds any more.
  conclude: async ({ farm, struck }) => {
    const [first] = await farm.fleet.starts()
    if (first === undefined) throw new Error('nothing was printed')
    for (let round = 1; round <= ROGUE_STARTS; round += 1) {
      await startAgain(farm, first, round)
      struck('rogue starts')
    }
  },
}
