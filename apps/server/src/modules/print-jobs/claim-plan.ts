import type { JobRequirements } from '@gantry/schemas'

import { mayGoTo, mismatches, type PrinterFacts } from './fit.js'
import type { CopyBinding, WaitingJob, WaitingKind } from './print-jobs.ports.js'

/** What is compared of a printer that waits for a copy. */
interface FreePrinter {
  printerId: string
  facts: PrinterFacts
}

/** A job and those of its queued copies that could be given away, the lowest first. */
export interface OfferedJob<C extends CopyBinding> {
  id: string
  requirements: JobRequirements
  copies: readonly C[]
}

/** One copy for one printer. */
export interface Gift<P, C> {
  jobId: string
  printer: P
  copy: C
}

const ANYWHERE: CopyBinding = { onlyPrinterId: null, notPrinterId: null }

const fits = ({ facts }: FreePrinter, requirements: JobRequirements): boolean =>
  mismatches(facts, requirements).length === 0

/** Copies with the fewest printers to go to are given first: any printer takes the others. */
const leeway = ({ onlyPrinterId, notPrinterId }: CopyBinding): number =>
  onlyPrinterId !== null ? 0 : notPrinterId !== null ? 1 : 2

/**
 * Walks down the queue: each job gives its copies to the printers that are still free and satisfy it.
 * @param jobs in the order of the queue
 */
export const planClaims = <P extends FreePrinter, C extends CopyBinding>(
  printers: readonly P[],
  jobs: readonly OfferedJob<C>[],
): Gift<P, C>[] => {
  const gifts: Gift<P, C>[] = []
  let free = [...printers]
  for (const { id: jobId, requirements, copies } of jobs) {
    if (free.length === 0) break
    const left = copies.toSorted((a, b) => leeway(a) - leeway(b))
    free = free.filter((printer) => {
      const at = fits(printer, requirements) ? left.findIndex((copy) => mayGoTo(copy, printer.printerId)) : -1
      const [copy] = at === -1 ? [] : left.splice(at, 1)
      if (copy !== undefined) gifts.push({ jobId, printer, copy })
      return copy === undefined
    })
  }
  return gifts
}

/** What a waiting job could give to so many printers. */
export const offerOf = (job: Omit<WaitingJob, 'priority' | 'createdAt'>, printers: number): OfferedJob<CopyBinding> => {
  const { id, requirements, bindings, queuedCopies } = job
  const unbound = Math.max(0, Math.min(printers, queuedCopies - bindings.length))
  return { id, requirements, copies: [...bindings, ...Array<CopyBinding>(unbound).fill(ANYWHERE)] }
}

/** The kinds of which any of these printers could take a copy; most printers of a fleet are alike, and compared once. */
export const kindsThatFit = (printers: readonly FreePrinter[], kinds: readonly WaitingKind[]): string[] => {
  const unlike = [...new Map(printers.map((printer) => [JSON.stringify(printer.facts), printer])).values()]
  return kinds.filter(({ requirements }) => unlike.some((printer) => fits(printer, requirements))).map(({ key }) => key)
}
