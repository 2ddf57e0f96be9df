import type { CountName } from './checker/check.js'
import type { ReadingHistory } from './checker/reading-history.js'
import type { WitnessedStream } from './event-witness.js'
import type { Farm, FarmOptions } from './farm/farm.js'
import type { Customer, OrderOptions } from './orders.js'
import type { SeededRandom } from './random.js'

/** What is broken on purpose, and how often it must have happened for the run to say anything. */
export type Faults = Readonly<Record<string, number>>

/** A running installation with orders in hand, for an experiment to break. */
export interface Trial {
  farm: Farm
  customer: Customer
  random: SeededRandom
  /** How often this fault is to strike. */
  ordered: (fault: string) => number
  /** Notes that a fault has struck, once for each time it is counted. */
  struck: (fault: string, times?: number) => void
  /** Things had no chance to pass until now. */
  disturbed: () => void
  /** Attempts whose copies were taken elsewhere because a person wanted it. */
  reassigned: Set<string>
  /** What people wrote and were shown, where that is tried. */
  reading: ReadingHistory
  /** Streams that the experiment has opened itself; they are judged as the bench's own. */
  streams: WitnessedStream[]
  /** Done when everything is judged, whatever came of it. */
  onEnd: (act: () => void | Promise<void>) => void
  /** Copies that are printed, cancelled or failed for good. */
  ended: () => Promise<number>
}

export interface Experiment {
  name: string
  sentence: string
  farm: FarmOptions
  orders: OrderOptions
  faults: Faults
  /** What the checker has to find, and must be zero everywhere else. @default [] */
  mustFind?: readonly CountName[]
  /** Called when every printer is connected, before anything is ordered. */
  prepare?: (trial: Trial) => Promise<void>
  /** Called when every printer is connected and the orders are placed; returns when all faults have struck. */
  run: (trial: Trial) => Promise<void>
  /** Called when every copy has come to its end and the person has gone home. */
  conclude?: (trial: Trial) => Promise<void>
}

/** The installation of most experiments: half the printers are of each kind, and a print takes some seconds. */
export const THREE_INSTANCES: FarmOptions = { instances: 3, octoprint: 25, moonraker: 25, speed: 50 }
export const FIVE_HUNDRED_COPIES: OrderOptions = { copies: 500, copiesPerJob: 25, print: { machineSeconds: 200 } }
/** Where what is broken counts, and the queue only has to outlast it. */
export const THREE_HUNDRED_COPIES: OrderOptions = { ...FIVE_HUNDRED_COPIES, copies: 300 }

/** The same with a share of the faults and of the copies, for a look: one that counts has all of them. */
export const scaled = (experiment: Experiment, share: number): Experiment => {
  const some = (count: number) => (count === 0 ? 0 : Math.max(1, Math.round(count * share)))
  const faults = Object.entries(experiment.faults).map(([fault, count]) => [fault, some(count)] as const)
  const orders = { ...experiment.orders, copies: some(experiment.orders.copies) }
  return share === 1 ? experiment : { ...experiment, orders, faults: Object.fromEntries(faults) }
}
