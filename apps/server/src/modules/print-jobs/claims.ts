import { newId, type TransactionContext, type UnitOfWork } from '../../kernel/index.js'
import type { Lease } from '../printers/printer-session.js'
import type { PartProgressRepository } from '../projects/projects.ports.js'
import { mismatches } from './fit.js'
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
export const claimNext = (unitOfWork: UnitOfWork<ClaimRepositories>, lease: Lease): Promise<ClaimResult> =>
  unitOfWork.run(async (tx) => {
    const printer = await tx.attempts.lockPrinterForClaim(lease)
    if (printer === null || !isFree(printer)) return { kind: 'not_free' }
    let after: QueueKey | null = null
    for (let looked = 0; looked < LONGEST_LOOK; looked += PAGE) {
      const jobs: WaitingJob[] = await tx.printJobs.waiting(after, PAGE)
      for (const job of jobs) {
        const claimed = await claimFrom(tx, lease, printer, job)
        if (claimed !== null) return claimed
      }
      after = jobs.at(-1) ?? null
      if (jobs.length < PAGE) break
    }
    return { kind: 'nothing_fits' }
  })

const claimFrom = async (
  tx: ClaimTransaction,
  lease: Lease,
  printer: ClaimablePrinter,
  job: WaitingJob,
): Promise<ClaimResult | null> => {
  if (mismatches(printer.facts, job.requirements).length > 0) return null
  const copyNumber = await tx.printJobs.takeQueuedCopy(job.id)
  if (copyNumber === null) return null
  const attemptId = newId('attempt')
  const remoteName = newRemoteName(job.id, copyNumber)
  await tx.attempts.create({ id: attemptId, jobId: job.id, copyNumber, lease, bedBefore: printer.bed, remoteName })
  const after = await tx.printJobs.moveCopy(job.id, copyNumber, 'active', tx.now)
  if (after.partId !== null) await tx.parts.markStarted(after.partId, tx.now)
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
