import type { AlarmCode, AlarmSeverity, Attempt, AttemptState, BedState, Reason, ReasonCode } from '@gantry/schemas'

import { GantryError, notFound, SYSTEM_ACTOR, type TransactionContext, type UnitOfWork } from '../../kernel/index.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import type { PrintOutcome } from '../printers/printer-driver.port.js'
import type { HoldRepository } from '../printers/holds.ports.js'
import type { Lease } from '../printers/printer-session.js'
import type { BedRepository } from '../printers/printers.ports.js'
import type { PartProgressRepository } from '../projects/projects.ports.js'
import {
  attemptChanged,
  bedChanged,
  filamentOf,
  isUnwanted,
  onAlarm,
  onPrinter,
  projectUpdated,
  reassignRequested,
  wishOf,
} from './attempt-facts.js'
import { isActive, mayFollow } from './attempt.state.js'
import { blameFor } from './blame.js'
import type {
  AttemptPatch,
  AttemptRecord,
  AttemptRepository,
  CopyState,
  JobCounts,
  PrintJobRepository,
} from './print-jobs.ports.js'

export interface LedgerRepositories {
  attempts: AttemptRepository
  printJobs: PrintJobRepository
  holds: HoldRepository
  alarms: AlarmRepository
  beds: BedRepository
  parts: PartProgressRepository
}

export type Ledger = LedgerRepositories & TransactionContext

const SYSTEM = 'system'

/** Reasons that keep a printer from further work until a person has looked, with the alarm that calls the person. */
const ALARM_OF: Partial<Record<ReasonCode, { code: AlarmCode; severity: AlarmSeverity }>> = {
  PRINTER_LOST: { code: 'PRINTER_LOST', severity: 'critical' },
  ATTEMPT_UNKNOWN: { code: 'ATTEMPT_UNKNOWN', severity: 'critical' },
  OUTCOME_UNKNOWN: { code: 'ATTEMPT_UNKNOWN', severity: 'critical' },
  PRINT_FAILED: { code: 'PRINT_FAILED', severity: 'warning' },
}

/** What is known of a print that ended. */
export interface PrintEnd {
  outcome: PrintOutcome
  detail: string | null
  hostJobRef: string | null
  printSeconds: number | null
  filamentUsedMm: number | null
}

/**
 * The only writer of attempts. Each method is one transaction that moves the attempt, its copy, the job's counts, the
 * bed, holds, alarms and the part's progress together, so that no crash can leave them telling different stories.
 */
export class AttemptLedger {
  constructor(
    private readonly unitOfWork: UnitOfWork<LedgerRepositories>,
    private readonly lease: Lease | null = null,
  ) {}

  /**
   * The ledger for who drives a printer: no attempt moves unless the lease is valid in the very transaction, so that an
   * instance that was frozen or cut off writes nothing over what its successor found.
   */
  under(lease: Lease): AttemptLedger {
    return new AttemptLedger(this.unitOfWork, lease)
  }

  find(printerId: string): Promise<AttemptRecord | null> {
    return this.unitOfWork.run(({ attempts }) => attempts.findActiveOn(printerId))
  }

  markUploading(attemptId: string): Promise<AttemptRecord> {
    return this.move(attemptId, 'uploading', () => Promise.resolve({}))
  }

  /** The last step before the host is told to print: refused unless this instance still holds the printer. */
  markStarting(attemptId: string, lease: Lease, remotePath: string): Promise<AttemptRecord> {
    return this.under(lease).move(attemptId, 'starting', (tx, attempt) => {
      if (isUnwanted(attempt)) throw new GantryError('INVALID_STATE', { detail: 'the copy is not to be printed here' })
      if (attempt.bedBefore === 'occupied') throw new GantryError('INVALID_STATE', { detail: 'the bed is occupied' })
      return Promise.resolve({ remotePath, uploadedAt: tx.now, startSentAt: tx.now })
    })
  }

  /** The host works on it: confirmed, or found again after it was lost. */
  markRunning(attemptId: string, state: 'printing' | 'paused', hostJobRef: string | null): Promise<AttemptRecord> {
    return this.move(attemptId, state, async (tx, attempt) => {
      await this.settle(tx, attempt)
      await this.moveCopy(tx, attempt, 'active')
      return { reason: null, startedAt: attempt.startedAt ?? tx.now, ...(hostJobRef === null ? {} : { hostJobRef }) }
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
      await this.moveCopy(tx, attempt, 'held')
      await this.holdBoth(tx, attempt, reason)
      await this.alarm(tx, attempt, reason)
      return { reason }
    })
  }

  /** Its print ended, seen or proven. The bed stays occupied: only a person knows that it is clear. */
  end(attemptId: string, end: PrintEnd): Promise<AttemptRecord> {
    return this.move(attemptId, end.outcome, async (tx, attempt) => {
      await this.settle(tx, attempt)
      const reason = await this.conclude(tx, attempt, end)
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
      await this.settle(tx, attempt)
      const isFileFault = blameFor(reason).on === 'file'
      if (isFileFault) await tx.holds.open({ jobId: attempt.jobId }, reason, null)
      if (isFileFault && !attempt.cancelRequested) await this.moveCopy(tx, attempt, 'held')
      else await this.putBack(tx, attempt)
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
      await this.settle(tx, attempt)
      if (!printed) await this.putBack(tx, attempt)
      else {
        await this.moveCopy(tx, attempt, 'done')
        await this.countCompleted(tx, attempt)
      }
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
    return this.unitOfWork.run(({ attempts }) => attempts.get(SYSTEM_ACTOR, attemptId))
  }

  /** Among these printers, those whose copy in hand is to be stopped. */
  unwantedOn(printerIds: string[]): Promise<string[]> {
    return this.unitOfWork.run(({ attempts }) => attempts.unwantedOn(printerIds))
  }

  /** Among these names, those of attempts on this printer that have ended: nobody needs their files. */
  async endedAmong(printerId: string, remoteNames: string[]): Promise<Set<string>> {
    return new Set(await this.unitOfWork.run(({ attempts }) => attempts.endedAmong(printerId, remoteNames)))
  }

  markFileRemoved(attemptId: string): Promise<void> {
    return this.unitOfWork.run((tx) => tx.attempts.update(attemptId, { fileRemovedAt: tx.now }))
  }

  listWithFileOn(printerId: string, limit: number): Promise<AttemptRecord[]> {
    return this.unitOfWork.run((tx) => tx.attempts.listWithFileOn(printerId, limit))
  }

  holdPrinter(attempt: AttemptRecord, reason: Reason): Promise<void> {
    return this.unitOfWork.run((tx) => this.hold(tx, attempt, reason))
  }

  private move(
    attemptId: string,
    to: AttemptState,
    change: (tx: Ledger, attempt: AttemptRecord) => Promise<AttemptPatch>,
    actorId = SYSTEM,
  ): Promise<AttemptRecord> {
    return this.unitOfWork.run(async (tx) => {
      if (this.lease !== null) await expectLease(tx, this.lease)
      const attempt = await tx.attempts.lock(attemptId)
      if (attempt === null || !mayFollow(attempt.state, to)) {
        throw new GantryError('INVALID_STATE', {
          detail: `attempt ${attemptId} cannot go from ${attempt?.state ?? 'nothing'} to ${to}`,
        })
      }
      const patch = { ...(await change(tx, attempt)), state: to }
      await tx.attempts.update(attemptId, patch)
      tx.record(attemptChanged(attempt, to), actorId)
      return { ...attempt, state: to, remotePath: patch.remotePath ?? attempt.remotePath, reason: patch.reason ?? null }
    })
  }

  private async conclude(tx: Ledger, attempt: AttemptRecord, end: PrintEnd): Promise<Reason | null> {
    if (end.outcome === 'completed') {
      await this.moveCopy(tx, attempt, 'done')
      await this.countCompleted(tx, attempt)
      return null
    }
    if (isUnwanted(attempt)) {
      await this.putBack(tx, attempt)
      return wishOf(attempt)
    }
    const reason: Reason =
      end.outcome === 'failed'
        ? { code: 'PRINT_FAILED', params: { attemptId: attempt.id, detail: end.detail } }
        : { code: 'CANCELLED_AT_PRINTER', params: { attemptId: attempt.id } }
    await this.moveCopy(tx, attempt, 'held')
    await tx.holds.open({ jobId: attempt.jobId }, reason, null)
    await this.alarm(tx, attempt, reason)
    return reason
  }

  /** What was held and alarmed because the attempt was unknown is so no longer. */
  private async settle(tx: Ledger, attempt: AttemptRecord): Promise<void> {
    if (attempt.state !== 'unknown') return
    const codes: ReasonCode[] = ['PRINTER_LOST', 'ATTEMPT_UNKNOWN', 'OUTCOME_UNKNOWN', 'START_NOT_CONFIRMED']
    for (const code of await tx.holds.release({ printerId: attempt.printerId }, codes, SYSTEM, tx.now)) {
      tx.record(
        { type: 'printer.released', ...onPrinter(attempt), payload: { printerId: attempt.printerId, code } },
        SYSTEM,
      )
    }
    await tx.holds.release({ jobId: attempt.jobId }, codes, SYSTEM, tx.now)
    for (const other of await tx.attempts.listActiveOfJob(attempt.jobId)) {
      if (other.id === attempt.id || other.state !== 'unknown' || other.reason === null) continue
      await tx.holds.open({ jobId: other.jobId }, other.reason, null) // one copy is found, another still is not
    }
    for (const code of ['PRINTER_LOST', 'ATTEMPT_UNKNOWN'] as const) {
      for (const alarmId of await tx.alarms.clear(code, { subjectType: 'attempt', subjectId: attempt.id }, tx.now)) {
        tx.record({ type: 'alarm.cleared', ...onAlarm(alarmId, attempt), payload: { alarmId, code } }, SYSTEM)
      }
    }
  }

  private async moveCopy(tx: Ledger, attempt: AttemptRecord, to: CopyState): Promise<JobCounts> {
    const job = await tx.printJobs.moveCopy(attempt.jobId, attempt.copyNumber, to, tx.now)
    tx.record(
      {
        type: 'print_job.changed',
        subjectType: 'print_job',
        subjectId: job.id,
        projectId: job.projectId,
        payload: { jobId: job.id, state: job.state },
      },
      SYSTEM,
    )
    return job
  }

  /** The copy of an attempt that came to nothing goes where people want it: nowhere, to a certain printer, to any. */
  private async putBack(tx: Ledger, attempt: AttemptRecord): Promise<void> {
    if (attempt.cancelRequested) {
      await this.moveCopy(tx, attempt, 'cancelled')
      return
    }
    const { jobId, copyNumber, printerId, reassign } = attempt
    if (reassign !== null) {
      const onlyPrinterId = reassign.toPrinterId
      const notPrinterId = onlyPrinterId === null ? printerId : null
      await tx.printJobs.bindCopy(jobId, copyNumber, { onlyPrinterId, notPrinterId })
    }
    await this.moveCopy(tx, attempt, 'queued')
  }

  private async countCompleted(tx: Ledger, { partId, projectId }: AttemptRecord): Promise<void> {
    if (partId === null) return
    await tx.parts.countCompleted(partId, tx.now)
    if (projectId !== null) tx.record(projectUpdated(projectId), SYSTEM)
  }

  private async holdBoth(tx: Ledger, attempt: AttemptRecord, reason: Reason): Promise<void> {
    await this.hold(tx, attempt, reason)
    await tx.holds.open({ jobId: attempt.jobId }, reason, null)
  }

  private async hold(tx: Ledger, attempt: AttemptRecord, reason: Reason): Promise<void> {
    const { printerId } = attempt
    if (await tx.holds.open({ printerId }, reason, null))
      tx.record({ type: 'printer.held', ...onPrinter(attempt), payload: { printerId, code: reason.code } }, SYSTEM)
  }

  private async alarm(tx: Ledger, attempt: AttemptRecord, reason: Reason): Promise<void> {
    const alarm = ALARM_OF[reason.code]
    if (alarm === undefined) return
    const params = { ...reason.params, jobId: attempt.jobId, printerId: attempt.printerId }
    const alarmId = await tx.alarms.raise({ ...alarm, params, subjectType: 'attempt', subjectId: attempt.id })
    if (alarmId !== null)
      tx.record({ type: 'alarm.raised', ...onAlarm(alarmId, attempt), payload: { alarmId, code: alarm.code } }, SYSTEM)
  }
}

const expectLease = async (tx: Ledger, lease: Lease): Promise<void> => {
  if (!(await tx.attempts.isLeaseValid(lease))) throw new GantryError('INVALID_STATE', { detail: 'the lease was lost' })
}
