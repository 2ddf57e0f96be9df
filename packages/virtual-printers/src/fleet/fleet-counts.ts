import type { MachineCounts } from '../machine/machine.types.js'

const SUMMED = [
  'startsOnOccupiedBed',
  'secondStarts',
  'gcodeWhilePrinting',
  'mismatchedStarts',
  'starts',
  'done',
  'failed',
  'cancelled',
  'filamentUsedMm',
] as const

/** The machines' own counts, and over the whole fleet: how often a name was started, and on how many printers. */
export interface FleetCounts {
  readonly total: Readonly<Record<(typeof SUMMED)[number], number>>
  /** How often each name was started, on all printers together. */
  readonly startsByName: Readonly<Record<string, number>>
  /** Names that were started more than once, wherever; must be empty when every copy has its own name. */
  readonly namesStartedTwice: readonly string[]
  readonly printers: Readonly<Record<string, MachineCounts>>
}

export function sumCounts(entries: readonly (readonly [name: string, counts: MachineCounts])[]): FleetCounts {
  const total = Object.fromEntries(
    SUMMED.map((key) => [key, entries.reduce((sum, [, counts]) => sum + counts[key], 0)]),
  ) as FleetCounts['total']
  const startsByName = new Map<string, number>()
  for (const [, counts] of entries) {
    for (const [name, starts] of Object.entries(counts.startsByName)) {
      startsByName.set(name, (startsByName.get(name) ?? 0) + starts)
    }
  }
  const namesStartedTwice = [...startsByName].filter(([, starts]) => starts > 1).map(([name]) => name)
  return {
    total,
    startsByName: Object.fromEntries(startsByName),
    namesStartedTwice,
    printers: Object.fromEntries(entries),
  }
}
