import { setTimeout as sleep } from 'node:timers/promises'

import { eventually } from '../eventually.js'
import type { Experiment, Trial } from '../experiment.js'
import type { SeededRandom } from '../random.js'

/** Longer than a printer may be away before its copy counts as lost. Its own clock goes fifty times as fast as ours. */
const FROM_MS = 22_000
const TO_MS = 32_000
const LATEST_MS = 15_000
const RETURNS = ['printing', 'finished', 'idle', 'with another file'] as const
const PRINTERS = 40
const PATIENCE_MS = 180_000
/** A print that the server did not order; it still runs when the server is back. */
const OTHER_FILE = { name: 'somebody-elses.gcode', content: 'G28\nG1 X60 Y10 E5 F1200\nG4 S1500\n' }

type Return = (typeof RETURNS)[number]

const isPrinting = async ({ farm }: Trial, printer: string): Promise<boolean> => {
  const machines = await farm.fleet.machines()
  return machines.some(({ name, job }) => name === printer && job !== null)
}

const backAs: Record<Return, (trial: Trial, printer: string) => Promise<void>> = {
  printing: ({ farm }, printer) => farm.fleet.act(printer, 'online'),
  finished: async (trial, printer) => {
    const { farm } = trial
    if (await isPrinting(trial, printer)) await farm.fleet.act(printer, 'finish-print')
    await farm.fleet.act(printer, 'online')
  },
  idle: ({ farm }, printer) => farm.fleet.act(printer, 'power-cycle'),
  'with another file': ({ farm }, printer) => farm.fleet.act(printer, 'power-cycle', { printing: OTHER_FILE }),
}

/** A printer in the midst of a print, and none that was away before. */
const printingOne = ({ farm }: Trial, draws: SeededRandom, taken: Set<string>): Promise<string> =>
  eventually(
    'one more printer prints',
    async () => {
      const printing = (await farm.fleet.machines()).filter(({ name, job }) => job !== null && !taken.has(name))
      if (printing.length === 0) return null
      const { name } = draws.pick(printing)
      taken.add(name)
      return name
    },
    { everyMs: 500, withinMs: PATIENCE_MS },
  )

const goAway = async (trial: Trial, as: Return, draws: SeededRandom, taken: Set<string>): Promise<void> => {
  const [afterMs, awayMs] = [draws.between(0, LATEST_MS), draws.between(FROM_MS, TO_MS)]
  await sleep(afterMs)
  const printer = await printingOne(trial, draws, taken)
  await trial.farm.fleet.act(printer, 'offline')
  await sleep(awayMs)
  const printsStill = await isPrinting(trial, printer)
  await backAs[as](trial, printer)
  if (as !== 'printing' || printsStill) trial.struck(`back ${as}`)
  trial.disturbed()
}

export const hostAway: Experiment = {
  name: 'host-away',
  sentence:
    'hosts vanish while they print, for longer than a printer may, and are back printing, finished, idle, or with another file',
  farm: { instances: 3, octoprint: PRINTERS / 2, moonraker: PRINTERS / 2, speed: 50 },
  orders: { copies: 60, copiesPerJob: 4, print: { machineSeconds: 4_000 } },
  faults: Object.fromEntries(RETURNS.map((as) => [`back ${as}`, PRINTERS / RETURNS.length])),
  run: async (trial) => {
    const draws = trial.random.stream('absences')
    const taken = new Set<string>()
    const returns = RETURNS.flatMap((as) => Array.from({ length: trial.ordered(`back ${as}`) }, () => as))
    await Promise.all(returns.map((as, index) => goAway(trial, as, draws.stream(`absence ${index}`), taken)))
  },
}
