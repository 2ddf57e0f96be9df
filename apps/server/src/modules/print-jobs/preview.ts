import type { DispatchPreview, Reason, ToldReason } from '@gantry/schemas'

import type { Actor } from '../../kernel/index.js'
import type { PrinterRecord } from '../printers/printers.ports.js'
import { kindsThatFit, offerOf, planClaims, type Gift } from './claim-plan.js'
import { unfitness } from './fit.js'
import type { PrintJobRepository, QueuedCopy, QueueKey, WaitingJob } from './print-jobs.ports.js'
import { told } from './told.js'

export interface PreviewPrinter {
  printerId: string
  facts: PrinterRecord
  /** Why it takes no job at all now; empty when it is free. */
  obstacles: Reason[]
  /** Whether the actor may see it; the others count, and are not told of. */
  isShown: boolean
}

type Gifts = Gift<PreviewPrinter, QueuedCopy>[]
type Told = Omit<DispatchPreview, 'evaluatedAt'>

const PAGE = 200
/** So many jobs at most are looked at for those that wait; an actor may see few of them. */
const LONGEST_LOOK = 5_000

/**
 * What the dispatcher would give to whom, by the very plan that claims follow (`planClaims`). Several instances claim at
 * once, each for its own printers: which of two printers is first then is chance.
 */
export const preview = async (
  printJobs: PrintJobRepository,
  actor: Actor,
  printers: PreviewPrinter[],
  listed: number,
): Promise<Told> => {
  const gifts = await plan(printJobs, printers)
  const names = await printJobs.names(actor, [...new Set(gifts.map(({ jobId }) => jobId))])
  const starts = gifts.flatMap(({ jobId, copy: { copyNumber }, printer: { printerId, facts, isShown } }) => {
    const jobName = names.get(jobId)
    return jobName === undefined || !isShown ? [] : [{ jobId, jobName, copyNumber, printerId, printerName: facts.name }]
  })
  return { starts, ...(await leftOver(printJobs, actor, printers, gifts, listed)) }
}

const plan = async (printJobs: PrintJobRepository, printers: PreviewPrinter[]): Promise<Gifts> => {
  const gifts: Gifts = []
  const kinds = await printJobs.waitingKinds()
  let free = printers
    .filter(({ obstacles }) => obstacles.length === 0)
    .toSorted((a, b) => (a.printerId < b.printerId ? -1 : 1))
  for (let after: QueueKey | null = null, isLast = false; !isLast;) {
    const fitting = kindsThatFit(free, kinds)
    if (fitting.length === 0) break
    const page: WaitingJob[] = await printJobs.waiting({ kinds: fitting, after, limit: PAGE })
    const found = await giftsOf(printJobs, page, free)
    gifts.push(...found)
    const taken = new Set(found.map(({ printer }) => printer))
    free = free.filter((printer) => !taken.has(printer))
    after = page.at(-1) ?? null
    isLast = page.length < PAGE
  }
  return gifts
}

/** By number first, so that of few jobs only the copies are read. */
const giftsOf = async (printJobs: PrintJobRepository, page: WaitingJob[], free: PreviewPrinter[]): Promise<Gifts> => {
  const offers = page.map((job) => offerOf(job, free.length))
  const planned = new Set(planClaims(free, offers).map(({ jobId }) => jobId))
  if (planned.size === 0) return []
  const copies = await printJobs.queuedCopies([...planned], free.length)
  const ofJob = (id: string) => copies.filter(({ jobId }) => jobId === id)
  const jobs = page.filter(({ id }) => planned.has(id))
  return planClaims(
    free,
    jobs.map(({ id, requirements }) => ({ id, requirements, copies: ofJob(id) })),
  )
}

/** The first `listed` jobs of which copies are left, and whether there are more. */
const leftOver = async (
  printJobs: PrintJobRepository,
  actor: Actor,
  printers: PreviewPrinter[],
  gifts: Gifts,
  listed: number,
): Promise<Pick<Told, 'waiting' | 'more'>> => {
  const waiting: Told['waiting'] = []
  const given = new Set(gifts.map(({ printer }) => printer))
  const shown = printers.filter(({ isShown }) => isShown)
  let after: QueueKey | null = null
  for (let looked = 0; looked < LONGEST_LOOK; looked += PAGE) {
    const page: WaitingJob[] = await printJobs.waiting({ kinds: null, after, limit: PAGE })
    const names = await printJobs.names(
      actor,
      page.map(({ id }) => id),
    )
    for (const job of page) {
      const jobName = names.get(job.id)
      const copies = job.queuedCopies - gifts.filter(({ jobId }) => jobId === job.id).length
      if (jobName === undefined || copies === 0) continue
      if (waiting.length === listed) return { waiting, more: true }
      waiting.push({ jobId: job.id, jobName, copies, reasons: summed(job, shown, given) })
    }
    if (page.length < PAGE) return { waiting, more: false }
    after = page.at(-1) ?? null
  }
  return { waiting, more: true }
}

/** One entry per code: a queue of hundreds at a fleet of hundreds is read by what is in the way, and how often. */
const summed = (
  job: WaitingJob,
  printers: PreviewPrinter[],
  given: ReadonlySet<PreviewPrinter>,
): Told['waiting'][number]['reasons'] => {
  const found = new Map<string, ToldReason & { printers: number }>()
  for (const printer of printers) {
    const codes = new Map(against(job, printer, given).map((reason) => [reason.code, reason]))
    for (const [code, reason] of codes) {
      const known = found.get(code)
      if (known === undefined) found.set(code, { ...told(reason), printers: 1 })
      else known.printers += 1
    }
  }
  return [...found.values()]
}

const against = (job: WaitingJob, printer: PreviewPrinter, given: ReadonlySet<PreviewPrinter>): Reason[] => {
  const reasons = [...unfitness(printer.printerId, printer.facts, job), ...printer.obstacles]
  // What suits it and is free goes to a job further up.
  return reasons.length === 0 && given.has(printer) ? [{ code: 'BEHIND_IN_QUEUE', params: {} }] : reasons
}
