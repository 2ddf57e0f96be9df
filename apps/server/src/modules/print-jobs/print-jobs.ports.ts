import type {
  Attempt,
  AttemptState,
  BedState,
  CopyCounts,
  FileFormat,
  JobRequirements,
  Page,
  PrintFileMetadata,
  PrintJob,
  PrintJobOrder,
  PrintJobState,
  Reason,
} from '@gantry/schemas'

import type { Actor, EventScope, Origin } from '../../kernel/index.js'
import type { Lease } from '../printers/printer-session.js'
import type { PrinterFacts } from './fit.js'

export interface ClaimablePrinter {
  printerId: string
  name: string
  facts: PrinterFacts
  enabled: boolean
  maintenance: boolean
  bed: BedState
  bedSince: Date
  holdCodes: string[]
  activeAttemptId: string | null
}

/** A place in the queue: highest priority first, then first come, first served. */
export interface QueueKey {
  priority: number
  createdAt: Date
  id: string
}

/** Where one copy may go, since a person took it away from a printer. Null asks for nothing. */
export interface CopyBinding {
  onlyPrinterId: string | null
  notPrinterId: string | null
}

export interface WaitingJob extends QueueKey {
  requirements: JobRequirements
  queuedCopies: number
  /** The bindings of those queued copies that have one. */
  bindings: CopyBinding[]
}

/** What some of the waiting jobs ask of a printer: jobs of one kind fit the same printers. */
export interface WaitingKind {
  key: string
  requirements: JobRequirements
}

export interface QueuePlace {
  /** Only jobs of these kinds; null for all. */
  kinds: string[] | null
  after: QueueKey | null
  limit: number
}

/** What to do about rows that another transaction has just now: `skip` takes them for not there. */
export type WhenLocked = 'skip' | 'wait'

export interface NewAttempt {
  id: string
  jobId: string
  copyNumber: number
  lease: Lease
  bedBefore: BedState
  remoteName: string
}

/** An attempt with what is needed to carry it out. */
export interface AttemptRecord extends EventScope {
  id: string
  jobId: string
  /** Of the request that ordered the job. */
  origin: Origin | null
  jobName: string
  partId: string | null
  copyNumber: number
  printerId: string
  state: AttemptState
  leaseEpoch: number
  bedBefore: BedState
  remoteName: string
  remotePath: string | null
  reason: Reason | null
  cancelRequested: boolean
  /** A person wants the copy printed elsewhere: at this printer, or at any other. Null: nobody does. */
  reassign: { toPrinterId: string | null } | null
  startSentAt: Date | null
  startedAt: Date | null
  fileVersionId: string
  fileSha256: string
  fileSizeBytes: number
  /** What the slicer says one copy takes; the host's own figure goes before it. */
  slicedFilamentMm: number | null
  slicedFilamentGrams: number | null
}

export interface AttemptPatch {
  state?: AttemptState
  remotePath?: string
  hostJobRef?: string | null
  reason?: Reason | null
  cancelRequestedAt?: Date
  reassignRequestedAt?: Date
  reassignToPrinterId?: string | null
  printSeconds?: number | null
  filamentUsedMm?: number | null
  filamentUsedGrams?: number | null
  uploadedAt?: Date
  startSentAt?: Date
  startedAt?: Date
  endedAt?: Date
  fileRemovedAt?: Date
}

/** Attempts, inside one transaction. Rows that `lock…` returns are locked until its end. */
export interface AttemptRepository {
  /** Printers that were not removed, as far as these leases are still valid by the database's clock; nothing is locked. */
  lookAtForClaim(leases: Lease[]): Promise<ClaimablePrinter[]>
  /** The same, locked; without those that another transaction has just now. */
  lockForClaim(leases: Lease[]): Promise<ClaimablePrinter[]>
  isLeaseValid(lease: Lease): Promise<boolean>
  /**
   * Stores the attempts and marks their beds occupied.
   * @throws GantryError `INVALID_STATE` when a printer or a copy has an active attempt already
   */
  create(attempts: NewAttempt[]): Promise<void>
  /** Locks the attempt, and its job before it: in the order of whoever locks the job first. */
  lock(attemptId: string): Promise<AttemptRecord | null>
  /** Locks the attempt without its job, which other copies of the job then need not wait for. */
  lockAlone(attemptId: string): Promise<AttemptRecord | null>
  update(attemptId: string, patch: AttemptPatch): Promise<void>
  findActiveOn(printerId: string): Promise<AttemptRecord | null>
  listActiveOn(printerIds: string[]): Promise<AttemptRecord[]>
  listActiveOfJob(jobId: string): Promise<AttemptRecord[]>
  /** Among these printers, those whose active attempt is to be stopped: its copy cancelled, or printed elsewhere. */
  unwantedOn(printerIds: string[]): Promise<string[]>
  /** Among these names, those of ended attempts on this printer. */
  endedAmong(printerId: string, remoteNames: string[]): Promise<string[]>
  /** Among these names, attempts on this printer, save those that were proven never to have started. */
  startedAmong(printerId: string, remoteNames: string[]): Promise<{ remoteName: string; hostJobRef: string | null }[]>
  /** Ended attempts whose file still lies on the host. */
  listWithFileOn(printerId: string, limit: number): Promise<AttemptRecord[]>
  listOfJob(actor: Actor, jobId: string, limit: number): Promise<Attempt[]>
  get(actor: Actor, attemptId: string): Promise<Attempt | null>
  /** Those of them that the actor may see, by their ids. */
  getMany(actor: Actor, attemptIds: string[]): Promise<Map<string, Attempt>>
}

/** Which prints a host remembered when somebody looked last; each is known by a mark that no other has. */
export interface PastPrintRepository {
  /** Null when nobody has looked yet. */
  known(printerId: string): Promise<ReadonlySet<string> | null>
  remember(printerId: string, marks: string[], now: Date): Promise<void>
}

export interface NewPrintJob {
  id: string
  name: string
  fileVersionId: string
  projectId: string | null
  partId: string | null
  copies: number
  priority: number
  requirements: JobRequirements
  createdById: string
}

export interface JobCounts extends EventScope {
  id: string
  partId: string | null
  copies: number
  counts: CopyCounts
  state: PrintJobState
}

export type CopyState = keyof CopyCounts

/** A job of the queue under lock. */
export interface LockedJob extends JobCounts {
  requirements: JobRequirements
}

export interface CopyKey {
  jobId: string
  copyNumber: number
}

export type QueuedCopy = CopyKey & CopyBinding

/** What a person may change of a job. */
export interface JobPatch {
  name?: string
  priority?: number
  requirements?: JobRequirements
}

export interface PrintJobQuery {
  /** `queue`: only jobs with waiting copies, in the order in which they are given to printers. */
  order: PrintJobOrder
  states: PrintJobState[]
  projectId: string | null
  limit: number
  cursor: string | null
}

export interface PrintJobRepository {
  create(job: NewPrintJob): Promise<void>
  get(actor: Actor, jobId: string): Promise<PrintJob | null>
  /** Those of them that the actor may see, by their ids. */
  getMany(actor: Actor, jobIds: string[]): Promise<Map<string, PrintJob>>
  list(actor: Actor, query: PrintJobQuery): Promise<Page<PrintJob>>
  /** What waits in the queue by what it asks of a printer. */
  waitingKinds(): Promise<WaitingKind[]>
  /** Jobs with queued copies, in the order of the queue. */
  waiting(place: QueuePlace): Promise<WaitingJob[]>
  /** Locks those of these jobs that still have queued copies, in one order everywhere. */
  lockQueued(jobIds: string[], whenLocked: WhenLocked): Promise<LockedJob[]>
  /** Of each job that is locked the lowest queued copies that may go anywhere, at most `limit`, and all that may not. */
  queuedCopies(jobIds: string[], limit: number): Promise<QueuedCopy[]>
  /** Makes queued copies of locked jobs active. @returns the jobs after it */
  activate(jobs: JobCounts[], copies: CopyKey[], now: Date): Promise<JobCounts[]>
  lock(actor: Actor, jobId: string): Promise<JobCounts | null>
  /** Moves one copy and keeps the job's counts and state true. @returns the job after the move */
  moveCopy(jobId: string, copyNumber: number, to: CopyState, now: Date): Promise<JobCounts>
  /** Moves every copy of this state that no active attempt works on. @returns the job after the move */
  moveIdleCopies(jobId: string, from: CopyState, to: CopyState, now: Date): Promise<JobCounts>
  /** Writes what a person changed of a locked job, and counts its version on. */
  update(jobId: string, patch: JobPatch, now: Date): Promise<void>
  /** Adds queued copies to a locked job. */
  addCopies(jobId: string, count: number, now: Date): Promise<void>
  /** Takes the last queued copies that were never given to a printer off a locked job. @returns how many there were, at most `count` */
  removeCopies(jobId: string, count: number, now: Date): Promise<number>
  /** The names of those of these jobs that the actor may see, by id. */
  names(actor: Actor, jobIds: string[]): Promise<Map<string, string>>
  /** Says where a copy may go from now on; a printer that was removed binds nothing. */
  bindCopy(jobId: string, copyNumber: number, binding: CopyBinding): Promise<void>
  /** Lets every copy of this job go anywhere again. */
  unbindCopies(jobId: string): Promise<void>
  /** Copies of this job whose last attempt failed, among the held ones. */
  heldCopiesThatFailed(jobId: string): Promise<number[]>
}

/** The content that a job prints, with what was parsed from it. */
export interface PrintableFile {
  fileVersionId: string
  name: string
  format: FileFormat
  metadata: PrintFileMetadata
}

export interface PrintableFileRepository {
  /** The newest version of a file of the library; null when there is none or it was removed. */
  latest(actor: Actor, fileId: string): Promise<PrintableFile | null>
  version(fileVersionId: string): Promise<PrintableFile | null>
}
