import { startsByCopy } from './copies.js'
import { times, type Check } from './check.js'

/** No copy comes to a second printer, unless a person wanted it. */
export const printersPerCopy: Check = {
  count: 'printers per copy above 1',
  violations: (facts) =>
    startsByCopy(facts).flatMap(({ copy, starts, allowedAgain }) => {
      const printers = [...new Set(starts.map(({ printer }) => printer))]
      return times(
        Math.max(0, printers.length - 1 - allowedAgain),
        `copy ${copy} was started on ${printers.join(', ')}`,
      )
    }),
}
