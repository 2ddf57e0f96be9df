import type { Facts } from './facts.js'

/** What must be zero after every experiment, in the order of the table. */
export const COUNTS = [
  'starts per copy above 1',
  'starts on an occupied bed',
  'printers per copy above 1',
  'mismatched material or nozzle',
  'g-code while printing',
  'copies lost',
  'alarms missing or doubled',
  'rows stuck in a passing state',
  'gaps or doubles in the event log',
  'wrong answers to readers',
  'errors out of turn',
  'servers that ended by themselves',
] as const
export type CountName = (typeof COUNTS)[number]

/** One invariant: every way in which the facts break it, as a sentence. */
export interface Check {
  count: CountName
  violations: (facts: Facts) => string[]
}

export const times = (count: number, sentence: string): string[] => Array.from({ length: count }, () => sentence)
