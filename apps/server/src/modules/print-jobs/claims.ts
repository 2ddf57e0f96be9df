import { newId, type TransactionContext, type UnitOfWork } from '../../kernel/index.js'
import type { Lease } from '../printers/printer-session.js'
import type { PartProgressRepository } from '../projects/projects.ports.js'
import { isStale } from './attempt-conduct.js'
import { projectUpdated } from './attempt-facts.js'
import { kindsThatFit, offerOf, planClaims, type Gift } from './claim-plan.js'
import type {
  AttemptRepository,
  ClaimablePrinter,
  CopyKey,
  JobCounts,
  LockedJob,
  NewAttempt,
  PrintJobRepository,
  QueuedCopy,
  QueueKey,
  WaitingJob,
  WaitingKind,
} from './print-jobs.ports.js'
import { newRemoteName } from './remote-name.js'

export interface ClaimRepositories {
  attempts: AttemptRepository
  printJobs: PrintJobRepository
  parts: PartProgressRepository
}

type ClaimTransaction = ClaimRepositories & TransactionContext
type Gifts = Gift<ClaimablePrinter, QueuedCopy>[]

export type ClaimResult =
  | { kind: 'claimed'; attemptId: string; jobId: string }
  /** The printer is not free by the database, whatever the caller believed. */
  | { kind: 'not_free' }
  /** Nothing in the queue fits. */
  | { kind: 'nothing_fits' }
  /** The printer, or what fits it, was in other hands for a moment: worth another try. */
  | { kind: 'contended' }

/** What waits, once somebody had to read it: shared by claims that are made together. */
export interface KnownKinds {
  kinds: WaitingKind[] | null
}

/** Results by printer. */
export type ClaimResults = Map<string, ClaimResult>

/** So many jobs at least are read at once, in case that others take the first of them. */
const SMALLEST_PAGE = 10
/** For so many jobs in other hands a claim waits that found no other. */
const WAITED_FOR = 20

const isFree = (printer: ClaimablePrinter): boolean =>
  printer.enabled &&
  !printer.maintenance &&
  printer.bed === 'clear' &&
  printer.holdCodes.length === 0 &&
  printer.activeAttemptId === null

/** Gives one free printer its copy; see {@link claimMany}. */
export const claimNext = async (unitOfWork: UnitOfWork<ClaimRepositories>, lease: Lease): Promise<ClaimResult> =>
  (await claimMany(unitOfWork, [lease])).get(lease.printerId) ?? { kind: 'not_free' }

/**
 * Gives free printers the first copies of the queue that they satisfy, all in one transaction: leases and beds are read
 * under lock, the requirements compared, the copies taken, the beds marked occupied, and the partial unique indexes
 * have the last word.
 *
 * Jobs are locked before printers, as everywhere, and printers in other hands are passed by, so that no claim can be
 * part of a deadlock.
 * @param known read at need and kept; jobs of kinds that came later are then found only at the head of the queue
 */
export const claimMany = async (
  unitOfWork: UnitOfWork<ClaimRepositories>,
  leases: Lease[],
  known: KnownKinds = { kinds: null },
): Promise<ClaimResults> => {
  try {
    return await unitOfWork.run((tx) => claimIn(tx, leases, known))
  } catch (error) {
    if (!isStale(error)) throw error
    const [only, ...others] = leases
    if (only !== undefined && others.length === 0) return new Map([[only.printerId, { kind: 'not_free' }]])
  }
  // An index had the last word about one of them, which must not keep the others from their copies.
  const results: ClaimResults = new Map()
  for (const lease of leases) results.set(lease.printerId, await claimNext(unitOfWork, lease))
  return results
}

const claimIn = async (tx: ClaimTransaction, leases: Lease[], known: KnownKinds): Promise<ClaimResults> => {
  const results: ClaimResults = new Map(leases.map(({ printerId }) => [printerId, { kind: 'not_free' }]))
  const looked = (await tx.attempts.lookAtForClaim(leases)).filter(isFree)
  for (const { printerId } of looked) results.set(printerId, { kind: 'nothing_fits' })
  const { jobs, wanted } = await lockJobs(tx, looked, known)
  // For these there was something; should they not get it, it is because of somebody else.
  for (const { printerId } of wanted) results.set(printerId, { kind: 'contended' })
  if (jobs.length === 0) return results

  const ids = new Set(wanted.map(({ printerId }) => printerId))
  const printers = await tx.attempts.lockForClaim(leases.filter(({ printerId }) => ids.has(printerId)))
  const gifts = await giftsOf(tx, jobs, printers.filter(isFree))
  for (const printer of printers) if (!isFree(printer)) results.set(printer.printerId, { kind: 'not_free' })
  for (const { id, jobId, lease } of await begin(tx, leases, jobs, gifts))
    results.set(lease.printerId, { kind: 'claimed', attemptId: id, jobId })
  return results
}

const giftsOf = async (tx: ClaimTransaction, jobs: LockedJob[], printers: ClaimablePrinter[]): Promise<Gifts> => {
  if (printers.length === 0) return []
  const copies = await tx.printJobs.queuedCopies(idsOf(jobs), printers.length)
  return planClaims(
    printers,
    jobs.map(({ id, requirements }) => ({ id, requirements, copies: copies.filter(({ jobId }) => jobId === id) })),
  )
}

interface JobsForPrinters {
  /** Locked, in the order of the queue. */
  jobs: LockedJob[]
  /** The printers for which there is something, in these jobs or in others' hands. */
  wanted: ClaimablePrinter[]
}

/** Locks as many jobs of the queue as it takes to give each printer a copy. */
const lockJobs = async (
  tx: ClaimTransaction,
  printers: ClaimablePrinter[],
  known: KnownKinds,
): Promise<JobsForPrinters> => {
  if (printers.length === 0) return { jobs: [], wanted: [] }
  const limit = Math.max(printers.length, SMALLEST_PAGE)
  const walk: Walk = { free: printers, jobs: [], passed: [] }
  // Most often the head of the queue has something for everybody; behind it only what fits is read.
  let kinds: string[] | null = null
  for (let after: QueueKey | null = null; kinds === null || kinds.length > 0;) {
    const page: WaitingJob[] = await tx.printJobs.waiting({ kinds, after, limit })
    await lockOnPage(tx, page, walk)
    if (walk.free.length === 0 || page.length < limit) break
    after = page.at(-1) ?? null
    kinds = kindsThatFit(walk.free, (known.kinds ??= await tx.printJobs.waitingKinds()))
  }
  const { free, passed } = walk
  const missed = planClaims(
    free,
    passed.map((job) => offerOf(job, free.length)),
  )
  const wanted = [...printers.filter((printer) => !free.includes(printer)), ...missed.map(({ printer }) => printer)]
  if (walk.jobs.length > 0 || passed.length === 0) return { jobs: walk.jobs, wanted }
  // All that fits is in other hands for a moment: better to wait for that than to leave the printers idle.
  const waitedFor = passed.slice(0, WAITED_FOR)
  return { jobs: inOrderOf(waitedFor, await tx.printJobs.lockQueued(idsOf(waitedFor), 'wait')), wanted }
}

/** How far the look through the queue has come. */
interface Walk {
  /** Printers for which nothing is locked yet. */
  free: ClaimablePrinter[]
  jobs: LockedJob[]
  /** Jobs that fit too, but were in other hands. */
  passed: WaitingJob[]
}

/** Locks what of this page the free printers take. */
const lockOnPage = async (tx: ClaimTransaction, page: WaitingJob[], walk: Walk): Promise<void> => {
  let untried = page
  for (;;) {
    const { length } = walk.free
    const plan = planClaims(
      walk.free,
      untried.map((job) => offerOf(job, length)),
    )
    if (plan.length === 0) return
    const planned = new Set(plan.map(({ jobId }) => jobId))
    const tried = untried.filter(({ id }) => planned.has(id))
    untried = untried.filter(({ id }) => !planned.has(id))
    const locked = inOrderOf(tried, await tx.printJobs.lockQueued([...planned], 'skip'))
    // Counted again by what the lock shows: copies may have gone, and what is asked may have changed.
    const bindings = new Map(tried.map((job) => [job.id, job.bindings]))
    const offers = locked.map(({ id, requirements, counts: { queued } }) =>
      offerOf({ id, requirements, queuedCopies: queued, bindings: bindings.get(id) ?? [] }, length),
    )
    const served = new Set(planClaims(walk.free, offers).map(({ printer }) => printer))
    walk.free = walk.free.filter((printer) => !served.has(printer))
    walk.jobs.push(...locked)
    walk.passed.push(...tried.filter(({ id }) => !locked.some((job) => job.id === id)))
  }
}

const idsOf = (jobs: readonly { id: string }[]): string[] => jobs.map(({ id }) => id)

const inOrderOf = (order: readonly WaitingJob[], jobs: readonly LockedJob[]): LockedJob[] => {
  const byId = new Map(jobs.map((job) => [job.id, job]))
  return order.flatMap(({ id }) => byId.get(id) ?? [])
}

/** Makes attempts of the gifts, with everything that goes with them. */
const begin = async (tx: ClaimTransaction, leases: Lease[], jobs: LockedJob[], gifts: Gifts): Promise<NewAttempt[]> => {
  if (gifts.length === 0) return []
  const leaseOf = new Map(leases.map((lease) => [lease.printerId, lease]))
  const formatOf = new Map(jobs.map(({ id, requirements }) => [id, requirements.fileFormat]))
  const attempts = gifts.flatMap(({ jobId, printer, copy: { copyNumber } }): NewAttempt[] => {
    const lease = leaseOf.get(printer.printerId)
    if (lease === undefined) return []
    const remoteName = newRemoteName(jobId, copyNumber, formatOf.get(jobId))
    return [{ id: newId('attempt'), jobId, copyNumber, lease, bedBefore: printer.bed, remoteName }]
  })
  await tx.attempts.create(attempts)
  const given = jobs.filter(({ id }) => attempts.some(({ jobId }) => jobId === id))
  const after = await tx.printJobs.activate(given, attempts.map(copyOf), tx.now)
  const begun = after.flatMap(({ partId }) => partId ?? [])
  if (begun.length > 0) await tx.parts.markStarted(begun, tx.now)
  record(tx, attempts, after, gifts)
  return attempts
}

const copyOf = ({ jobId, copyNumber }: NewAttempt): CopyKey => ({ jobId, copyNumber })

const record = (tx: ClaimTransaction, attempts: NewAttempt[], jobs: JobCounts[], gifts: Gifts): void => {
  const projectOf = new Map(jobs.map(({ id, projectId }) => [id, projectId]))
  const groupOf = new Map(gifts.map(({ printer: { printerId, facts } }) => [printerId, facts.groupId]))
  for (const { id: attemptId, jobId, lease } of attempts) {
    const { printerId } = lease
    const scope = { printerGroupId: groupOf.get(printerId) ?? null, projectId: projectOf.get(jobId) ?? null }
    tx.record(
      {
        type: 'attempt.changed',
        subjectType: 'attempt',
        subjectId: attemptId,
        ...scope,
        payload: { attemptId, jobId, printerId, from: null, to: 'claimed' },
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
  }
  for (const { id: jobId, projectId, state } of jobs)
    tx.record(
      { type: 'print_job.changed', subjectType: 'print_job', subjectId: jobId, projectId, payload: { jobId, state } },
      'system',
    )
  const begun = new Set(jobs.flatMap(({ partId, projectId }) => (partId === null ? [] : (projectId ?? []))))
  for (const projectId of begun) tx.record(projectUpdated(projectId), 'system')
}
