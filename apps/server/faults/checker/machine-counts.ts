import { times, type Check } from './check.js'
import type { Facts } from './facts.js'

/** A count that the machines keep; one that they do not tell is not zero. */
const counted = (count: number, sentence: string): string[] =>
  Number.isInteger(count) ? times(count, sentence) : [`the machines did not count: ${sentence}`]

export const occupiedBeds: Check = {
  count: 'starts on an occupied bed',
  violations: ({ starts, machine }) => {
    const seen = starts.filter(({ bedWasOccupied, startedBy }) => bedWasOccupied && startedBy === 'host')
    const told = seen.map(({ name, printer }) => `${printer} started ${name} on an occupied bed`)
    const rest = machine.startsOnOccupiedBed - seen.length
    return [...told, ...counted(rest, 'a start on an occupied bed')]
  },
}

export const mismatches: Check = {
  count: 'mismatched material or nozzle',
  violations: ({ machine }: Facts) =>
    counted(machine.mismatchedStarts, 'a start with another material or nozzle than the file wants'),
}

export const gcodeWhilePrinting: Check = {
  count: 'g-code while printing',
  violations: ({ machine }: Facts) => counted(machine.gcodeWhilePrinting, 'a line of g-code while it printed'),
}
