import { setTimeout as sleep } from 'node:timers/promises'

import { isGantryApiError } from '@gantry/client'

import { eventually } from '../eventually.js'
import { THREE_HUNDRED_COPIES, THREE_INSTANCES, type Experiment, type Trial } from '../experiment.js'
import type { SeededRandom } from '../random.js'

const REASSIGNS = 200
const HANDS = 10
const LONGEST_PAUSE_MS = 2_000
/** Every third copy is wanted on a certain printer, the others anywhere else. */
const TO_A_PRINTER = 1 / 3

interface InHand extends Record<string, unknown> {
  id: string
  printer_id: string
  /** Other printers with the same material and nozzle. */
  others: string[]
}

/** @returns whether a copy could be taken away */
const takeAway = async ({ farm, reassigned }: Trial, draws: SeededRandom): Promise<boolean> => {
  const inHand = await farm.db.query<InHand>(IN_HAND)
  if (inHand.length === 0) return false
  const { id, others } = draws.pick(inHand)
  const printerId = others.length > 0 && draws.chance(TO_A_PRINTER) ? draws.pick(others) : undefined
  reassigned.add(id)
  try {
    await farm.gantry.attempts.reassign(printerId === undefined ? { id } : { id, printerId })
    return true
  } catch (error) {
    // It was over before the wish came.
    if (isGantryApiError(error, 'INVALID_STATE')) return false
    throw error
  }
}

/** Attempts that hold a printer and that nobody wanted elsewhere yet, the youngest first: in every step of their lives. */
const IN_HAND = `
  SELECT a.id, a.printer_id, ARRAY(
    SELECT p2.id FROM printer p2 JOIN printer_material m2 ON m2.printer_id = p2.id
    WHERE p2.id <> p.id AND p2.nozzle_diameter_mm = p.nozzle_diameter_mm AND m2.material = m.material ORDER BY p2.name
  ) AS others
  FROM attempt a JOIN printer p ON p.id = a.printer_id JOIN printer_material m ON m.printer_id = p.id
  WHERE a.state IN ('claimed', 'uploading', 'starting', 'printing', 'paused') AND a.reassign_requested_at IS NULL
  ORDER BY p.name`

export const reassign: Experiment = {
  name: 'reassign',
  sentence: 'copies are taken away from their printers at random moments, 200 times',
  farm: THREE_INSTANCES,
  orders: THREE_HUNDRED_COPIES,
  faults: { reassigned: REASSIGNS },
  run: async (trial) => {
    let left = trial.ordered('reassigned')
    const work = async (draws: SeededRandom) => {
      while (left > 0) {
        left -= 1
        await sleep(draws.between(0, LONGEST_PAUSE_MS))
        await eventually('a copy is in hand', () => takeAway(trial, draws))
        trial.struck('reassigned')
      }
    }
    await Promise.all(Array.from({ length: HANDS }, (_, hand) => work(trial.random.stream(`hand ${hand}`))))
  },
}
