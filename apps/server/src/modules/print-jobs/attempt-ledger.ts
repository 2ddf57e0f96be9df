import type { Attempt, AttemptState, BedState, Reason } from '@gantry/schemas'

import { GantryError, notFound, SYSTEM_ACTOR, type Primary, type UnitOfWork } from '../../kernel/index.js'
import { Gatherer } from '../printers/gatherer.js'
import type { Lease } from '../printers/printer-session.js'
import {
  completeCopy,
  conclude,
  holdAll,
  holdPrinter,
  moveCopy,
  putBack,
  settle,
  type Ledger,
  type LedgerRepositories,
  type PrintEnd,
} from './attempt-effects.js'
import { attemptChanged, bedChanged, filamentOf, isUnwanted, reassignRequested, wishOf } from './attempt-facts.js'
import { isActive, mayFollow } from './attempt.state.js'
import { blameFor } from './blame.js'
import type { AttemptPatch, AttemptRecord, AttemptRepository } from './print-jobs.ports.js'

const SYSTEM = 'system'

/** What is asked without moving anything. */
type LedgerReads = Primary<{
  attempts: Pick<AttemptRepository, 'get' | 'listActiveOn' | 'unwantedOn' | 'endedAmong' | 'listWithFileOn'>
}>

type Change = (tx: Ledger, attempt: AttemptRecord) => AttemptPatch | Promise<AttemptPatch>

/**
 * The only writer of attempts. Each method is one transaction that moves the attempt, its copy, the job's counts, the
 * bed, holds, alarms and the part's progress together, so that no crash can leave them telling different stories.
 */
export class AttemptLedger {
  private readonly looks: Gatherer<string, AttemptRecord | null>

  constructor(
    private readonly unitOfWork: UnitOfWork<LedgerRepositories>,
    private readonly reads: LedgerReads,
    private readonly lease: Lease | null = null,
  ) {
    this.looks = new Gatherer((printerIds) => this.findAll(printerIds))
  }

  /**
   * The ledger for who drives a printer: no attempt moves unless the lease is valid in the very transaction, so that an
   * instance that was frozen or cut off writes nothing over what its successor found.
   */
  under(lease: Lease): AttemptLedger {
    return new AttemptLedger(this.unitOfWork, this.reads, lease)
  }

  /** What the printer has in hand; asked for hundreds of printers at once, it is read for all of them together. */
  find(printerId: string): Promise<AttemptRecord | null> {
    return this.looks.do(printerId)
  }

  markUploading(attemptId: string): Promise<AttemptRecord> {
    return this.step(attemptId, 'uploading', () => ({}))
  }

  /** The last step before the host is told to print: refused unless this instance still holds the printer. */
  markStarting(attemptId: string, lease: Lease, remotePath: string): Promise<AttemptRecord> {
    return this.under(lease).step(attemptId, 'starting', (tx, attempt) => {
      if (isUnwanted(attempt)) throw new GantryError('INVALID_STATE', { detail: 'the copy is not to be printed here' })
      if (attempt.bedBefore === 'occupied') throw new GantryError('INVALID_STATE', { detail: 'the bed is occupied' })
      return { remotePath, uploadedAt: tx.now, startSentAt: tx.now }
    })
  }

  /**
   * The host works on it: confirmed, or found again after it was lost.
   * @param seen the attempt as the caller knows it: one that is unknown has its copy held, and all of that is settled
   */
  markRunning(
    seen: Pick<AttemptRecord, 'id' | 'state'>,
    state: 'printing' | 'paused',
    hostJobRef: string | null,
  ): Promise<AttemptRecord> {
    const running = (tx: Ledger, { startedAt }: AttemptRecord): AttemptPatch => ({
      ...{ reason: null, startedAt: startedAt ?? tx.now },
      ...(hostJobRef === null ? {} : { hostJobRef }),
    })
    if (seen.state !== 'unknown') return this.step(seen.id, state, running)
    return this.move(seen.id, state, async (tx, attempt) => {
      await settle(tx, attempt)
      await moveCopy(tx, attempt, 'active')
      return running(tx, attempt)
    })
  }

  /**
   * The printer has been away too long. What never reached it goes elsewhere; of all else nobody knows how it stands.
   * @throws GantryError `INVALID_STATE` when the lease is no longer valid: then another instance knows better
   */
  async lost(lease: Lease, detail: string | null): Promise<void> {
    const attempt = await this.find(lease.printerId)
    if (attempt === null || attempt.state === 'unknown') return
    const reason: Reason = { code: 'PRINTER_LOST', params: { attemptId: attempt.id, detail } }
    const ledger = this.under(lease)
    if (attempt.state === 'claimed') await ledger.revoke(attempt, reason, attempt.bedBefore)
    else await ledger.markUnknown(attempt.id, reason)
  }

  /** Nobody knows how it stands: printer and job wait, and a person is called. */
  markUnknown(attemptId: string, reason: Reason): Promise<AttemptRecord> {
    return this.move(attemptId, 'unknown', async (tx, attempt) => {
      await holdAll(tx, attempt, reason)
      return { reason }
    })
  }

  /** Its print ended, seen or proven. The bed stays occupied: only a person knows that it is clear. */
  end(attemptId: string, end: PrintEnd): Promise<AttemptRecord> {
    return this.move(attemptId, end.outcome, async (tx, attempt) => {
      await settle(tx, attempt)
      const reason = await conclude(tx, attempt, end)
      return {
        reason,
        endedAt: tx.now,
        startedAt: attempt.startedAt ?? tx.now,
        printSeconds: end.printSeconds,
        ...filamentOf(attempt, end),
        ...(end.hostJobRef === null ? {} : { hostJobRef: end.hostJobRef }),
      }
    })
  }

  /**
   * Proven never to have started, and never to start: the copy waits for another printer, unless somebody wanted it
   * cancelled, or no printer can take the file. The proof is about the attempt as the caller saw it, and no other.
   * @param bed what is on the bed now that nothing came of it
   */
  revoke({ id, state }: AttemptRecord, reason: Reason, bed: BedState): Promise<AttemptRecord> {
    return this.move(id, 'revoked', async (tx, attempt) => {
      if (attempt.state !== state) throw new GantryError('INVALID_STATE', { detail: `attempt ${id} moved on` })
      await settle(tx, attempt)
      const isFileFault = blameFor(reason).on === 'file'
      if (isFileFault) await tx.holds.open({ jobId: attempt.jobId }, reason, null)
      if (isFileFault && !attempt.cancelRequested) await moveCopy(tx, attempt, 'held')
      else await putBack(tx, attempt)
      // A foreign print that was noticed meanwhile has changed the row, not what the caller knows.
      const left = attempt.bedBefore === 'occupied' ? 'occupied' : bed
      await tx.beds.restore(attempt.printerId, left, tx.now)
      tx.record(bedChanged(attempt, left), SYSTEM)
      return { reason: reason.code === 'CANCELLED_BY_USER' ? wishOf(attempt) : reason, endedAt: tx.now }
    })
  }

  /** A person has looked at the printer: the copy is there, or it never was and waits for a printer again. */
  resolve(attemptId: string, printed: boolean, actorId: string): Promise<AttemptRecord> {
    const change = async (tx: Ledger, attempt: AttemptRecord): Promise<AttemptPatch> => {
      if (attempt.state !== 'unknown')
        throw new GantryError('INVALID_STATE', { params: { detail: `the attempt is ${attempt.state}` } })
      await settle(tx, attempt)
      await (printed ? completeCopy(tx, attempt) : putBack(tx, attempt))
      return { endedAt: tx.now, reason: { code: 'RESOLVED_BY_PERSON', params: { userId: actorId, printed } } }
    }
    return this.move(attemptId, printed ? 'completed' : 'failed', change, actorId)
  }

  /**
   * A person wants the copy printed elsewhere: from now on it is not started here, what runs is stopped, and only when
   * its end is proven the copy waits again. Repeated, the last word counts, until the attempt is over.
   * @param toPrinterId where alone it may go; null: anywhere but here
   * @throws GantryError `INVALID_STATE` when the attempt is over, or its copy is to be cancelled
   */
  reassign(attemptId: string, toPrinterId: string | null, actorId: string): Promise<void> {
    return this.unitOfWork.run(async (tx) => {
      const attempt = await tx.attempts.lock(attemptId)
      if (attempt === null) throw notFound('attempt', attemptId)
      const { state, reassign, cancelRequested } = attempt
      if (reassign?.toPrinterId === toPrinterId && state !== 'completed') return
      if (!isActive(state)) throw new GantryError('INVALID_STATE', { params: { detail: `the attempt is ${state}` } })
      if (cancelRequested) throw new GantryError('INVALID_STATE', { params: { detail: 'the job is being cancelled' } })
      await tx.attempts.update(attemptId, { reassignRequestedAt: tx.now, reassignToPrinterId: toPrinterId })
      tx.record(reassignRequested(attempt, toPrinterId), actorId)
    })
  }

  /** Null when there is no such attempt. */
  get(attemptId: string): Promise<Attempt | null> {
    return this.reads.attempts.get(SYSTEM_ACTOR, attemptId)
  }

  /** Among these printers, those whose copy in hand is to be stopped. */
  unwantedOn(printerIds: string[]): Promise<string[]> {
    return this.reads.attempts.unwantedOn(printerIds)
  }

  /** Among these names, those of attempts on this printer that have ended: nobody needs their files. */
  async endedAmong(printerId: string, remoteNames: string[]): Promise<Set<string>> {
    return new Set(await this.reads.attempts.endedAmong(printerId, remoteNames))
  }

  markFileRemoved(attemptId: string): Promise<void> {
    return this.unitOfWork.run((tx) => tx.attempts.update(attemptId, { fileRemovedAt: tx.now }))
  }

  listWithFileOn(printerId: string, limit: number): Promise<AttemptRecord[]> {
    return this.reads.attempts.listWithFileOn(printerId, limit)
  }

  holdPrinter(attempt: AttemptRecord, reason: Reason): Promise<void> {
    return this.unitOfWork.run((tx) => holdPrinter(tx, attempt, reason))
  }

  private async findAll(printerIds: string[]): Promise<(AttemptRecord | null)[]> {
    const found = await this.reads.attempts.listActiveOn([...new Set(printerIds)])
    const byPrinter = new Map(found.map((attempt) => [attempt.printerId, attempt]))
    return printerIds.map((printerId) => byPrinter.get(printerId) ?? null)
  }

  /** A move that leaves copy and job as they are, so that the copies of one job need not wait for each other. */
  private step(attemptId: string, to: AttemptState, change: Change): Promise<AttemptRecord> {
    return this.unitOfWork.run(async (tx) => {
      const attempt = await tx.attempts.lockAlone(attemptId)
      // Its copy is held and its job says why; who knows nothing of that has not decided about it.
      if (attempt?.state === 'unknown') throw refusal(attemptId, attempt, to)
      return this.write(tx, attemptId, attempt, to, change)
    })
  }

  private move(attemptId: string, to: AttemptState, change: Change, actorId = SYSTEM): Promise<AttemptRecord> {
    return this.unitOfWork.run(async (tx) =>
      this.write(tx, attemptId, await tx.attempts.lock(attemptId), to, change, actorId),
    )
  }

  /** The attempt is locked already: claims lock in this order too, job and attempt before the printer. */
  private async write(
    tx: Ledger,
    attemptId: string,
    attempt: AttemptRecord | null,
    to: AttemptState,
    change: Change,
    actorId = SYSTEM,
  ): Promise<AttemptRecord> {
    if (this.lease !== null && !(await tx.attempts.isLeaseValid(this.lease)))
      throw new GantryError('INVALID_STATE', { detail: 'the lease was lost' })
    if (attempt === null || !mayFollow(attempt.state, to)) throw refusal(attemptId, attempt, to)
    const patch = { ...(await change(tx, attempt)), state: to }
    await tx.attempts.update(attemptId, patch)
    tx.record(attemptChanged(attempt, to), actorId)
    return { ...attempt, state: to, remotePath: patch.remotePath ?? attempt.remotePath, reason: patch.reason ?? null }
  }
}

const refusal = (attemptId: string, attempt: AttemptRecord | null, to: AttemptState) =>
  new GantryError('INVALID_STATE', {
    detail: `attempt ${attemptId} cannot go from ${attempt?.state ?? 'nothing'} to ${to}`,
  })
