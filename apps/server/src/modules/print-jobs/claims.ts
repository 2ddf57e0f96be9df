import { newId, type TransactionContext, type UnitOfWork } from '../../kernel/index.js'
import type { Lease } from '../printers/printer-session.js'
import type { PartProgressRepository } from '../projects/projects.ports.js'
import { isStale } from './attempt-conduct.js'
import { projectUpdated } from './attempt-facts.js'
import { unfitness } from './fit.js'
import type {
  AttemptRepository,
  ClaimablePrinter,
  PrintJobRepository,
  QueueKey,
  WaitingJob,
} from './print-jobs.ports.js'
import { newRemoteName } from './remote-name.js'

export interface ClaimRepositories {
  attempts: AttemptRepository
  printJobs: PrintJobRepository
  parts: PartProgressRepository
}

type ClaimTransaction = ClaimRepositories & TransactionContext

export type ClaimResult =
  | { kind: 'claimed'; attemptId: string; jobId: string }
  /** The printer is not free by the database, whatever the caller believed. */
  | { kind: 'not_free' }
  /** Nothing in the queue fits. */
  | { kind: 'nothing_fits' }

const PAGE = 200
const LONGEST_LOOK = 5_000

const isFree = (printer: ClaimablePrinter): boolean =>
  printer.enabled &&
  !printer.maintenance &&
  printer.bed === 'clear' &&
  printer.holdCodes.length === 0 &&
  printer.activeAttemptId === null

/**
 * Gives a free printer the first copy of the queue that it satisfies, in one transaction: the lease and the bed are
 * read under a lock, the requirements compared, the copy taken, the bed marked occupied, and the partial unique indexes
 * have the last word.
 */
export const claimNext = async (unitOfWork: UnitOfWork<ClaimRepositories>, lease: Lease): Promise<ClaimResult> => {
  try {
    return await unitOfWork.run((tx) => claimIn(tx, lease))
  } catch (error) {
    if (isStale(error)) return { kind: 'not_free' } // an index had the last word
    throw error
  }
}

const claimIn = async (tx: ClaimTransaction, lease: Lease): Promise<ClaimResult> => {
  const printer = await tx.attempts.lockPrinterForClaim(lease)
  if (printer === null || !isFree(printer)) return { kind: 'not_free' }
  const inUse: WaitingJob[] = []
  let after: QueueKey | null = null
  for (let looked = 0; looked < LONGEST_LOOK; looked += PAGE) {
    const jobs: WaitingJob[] = await tx.printJobs.waiting(after, PAGE)
    for (const job of jobs) {
      if (unfitness(lease.printerId, printer.facts, job).length > 0) continue
      const claimed = await claimFrom(tx, lease, printer, job, 'skip')
      if (claimed !== null) return claimed
      inUse.push(job)
    }
    after = jobs.at(-1) ?? null
    if (jobs.length < PAGE) break
  }
  // What fits was in other hands for a moment: better to wait for that than to leave the printer idle.
  for (const job of inUse) {
    const claimed = await claimFrom(tx, lease, printer, job, 'wait')
    if (claimed !== null) return claimed
  }
  return { kind: 'nothing_fits' }
}

const claimFrom = async (
  tx: ClaimTransaction,
  lease: Lease,
  printer: ClaimablePrinter,
  job: WaitingJob,
  locked: 'skip' | 'wait',
): Promise<ClaimResult | null> => {
  const copyNumber = await tx.printJobs.takeQueuedCopy(job.id, lease.printerId, locked)
  if (copyNumber === null) return null
  const attemptId = newId('attempt')
  const remoteName = newRemoteName(job.id, copyNumber)
  await tx.attempts.create({ id: attemptId, jobId: job.id, copyNumber, lease, bedBefore: printer.bed, remoteName })
  const after = await tx.printJobs.moveCopy(job.id, copyNumber, 'active', tx.now)
  if (after.partId !== null) {
    await tx.parts.markStarted(after.partId, tx.now)
    if (after.projectId !== null) tx.record(projectUpdated(after.projectId), 'system')
  }
  const scope = { printerGroupId: printer.facts.groupId, projectId: after.projectId }
  const { printerId } = lease
  tx.record(
    {
      type: 'attempt.changed',
      subjectType: 'attempt',
      subjectId: attemptId,
      ...scope,
      payload: { attemptId, jobId: job.id, printerId, from: null, to: 'claimed' },
    },
    'system',
  )
  tx.record(
    {
      type: 'printer.bed_changed',
      subjectType: 'printer',
      subjectId: printerId,
      ...scope,
      payload: { printerId, bed: 'occupied' },
    },
    'system',
  )
  tx.record(
    {
      type: 'print_job.changed',
      subjectType: 'print_job',
      subjectId: job.id,
      ...scope,
      payload: { jobId: job.id, state: after.state },
    },
    'system',
  )
  return { kind: 'claimed', attemptId, jobId: job.id }
}
