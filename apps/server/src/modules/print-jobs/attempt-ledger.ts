import type { AlarmCode, AlarmSeverity, AttemptState, Reason, ReasonCode } from '@gantry/schemas'

import { GantryError, type TransactionContext, type UnitOfWork } from '../../kernel/index.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import type { PrintOutcome } from '../printers/printer-driver.port.js'
import type { HoldRepository } from '../printers/holds.ports.js'
import type { Lease } from '../printers/printer-session.js'
import type { BedRepository } from '../printers/printers.ports.js'
import type { PartProgressRepository } from '../projects/projects.ports.js'
import { mayFollow } from './attempt.state.js'
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
  constructor(private readonly unitOfWork: UnitOfWork<LedgerRepositories>) {}

  find(printerId: string): Promise<AttemptRecord | null> {
    return this.unitOfWork.run(({ attempts }) => attempts.findActiveOn(printerId))
  }

  markUploading(attemptId: string): Promise<AttemptRecord> {
    return this.move(attemptId, 'uploading', () => Promise.resolve({}))
  }

  /** The last step before the host is told to print: refused unless this instance still holds the printer. */
  markStarting(attemptId: string, lease: Lease, remotePath: string): Promise<AttemptRecord> {
    return this.move(attemptId, 'starting', async (tx) => {
      if (!(await tx.attempts.isLeaseValid(lease)))
        throw new GantryError('INVALID_STATE', { detail: 'the lease was lost' })
      return { remotePath, uploadedAt: tx.now, startSentAt: tx.now }
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

  /** Nobody knows how it stands: printer and job wait, and a person is called. */
  markUnknown(attemptId: string, reason: Reason): Promise<AttemptRecord> {
    return this.move(attemptId, 'unknown', async (tx, attempt) => {
      await this.moveCopy(tx, attempt, 'held')
      await this.hold(tx, { printerId: attempt.printerId }, reason)
      await this.hold(tx, { jobId: attempt.jobId }, reason)
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
   * Proven never to have started, and never to start: the bed is again what it was, and the copy waits for another
   * printer, unless somebody wanted it cancelled.
   */
  revoke(attemptId: string, reason: Reason): Promise<AttemptRecord> {
    return this.move(attemptId, 'revoked', async (tx, attempt) => {
      await this.settle(tx, attempt)
      const missing = reason.code === 'FILE_UNAVAILABLE' // no printer can help: a person must bring the file back
      if (missing) await this.hold(tx, { jobId: attempt.jobId }, reason)
      await this.moveCopy(tx, attempt, attempt.cancelRequested ? 'cancelled' : missing ? 'held' : 'queued')
      await tx.beds.restore(attempt.printerId, attempt.bedBefore, tx.now)
      tx.record({ ...bedChanged(attempt), payload: { printerId: attempt.printerId, bed: attempt.bedBefore } }, SYSTEM)
      return { reason, endedAt: tx.now }
    })
  }

  /** A person has looked at the printer: the copy is there, or it never was and waits for a printer again. */
  resolve(attemptId: string, printed: boolean, actorId: string): Promise<AttemptRecord> {
    return this.move(attemptId, printed ? 'completed' : 'failed', async (tx, attempt) => {
      await this.settle(tx, attempt)
      await this.moveCopy(tx, attempt, printed ? 'done' : attempt.cancelRequested ? 'cancelled' : 'queued')
      if (printed && attempt.partId !== null) await tx.parts.countCompleted(attempt.partId, tx.now)
      return { endedAt: tx.now, reason: { code: 'RESOLVED_BY_PERSON', params: { userId: actorId, printed } } }
    })
  }

  /** Null when there is no such attempt. */
  stateOf(attemptId: string): Promise<AttemptState | null> {
    return this.unitOfWork.run(async (tx) => (await tx.attempts.lock(attemptId))?.state ?? null)
  }

  markFileRemoved(attemptId: string): Promise<void> {
    return this.unitOfWork.run((tx) => tx.attempts.update(attemptId, { fileRemovedAt: tx.now }))
  }

  listWithFileOn(printerId: string, limit: number): Promise<AttemptRecord[]> {
    return this.unitOfWork.run((tx) => tx.attempts.listWithFileOn(printerId, limit))
  }

  holdPrinter(printerId: string, reason: Reason): Promise<void> {
    return this.unitOfWork.run((tx) => this.hold(tx, { printerId }, reason))
  }

  private move(
    attemptId: string,
    to: AttemptState,
    change: (tx: Ledger, attempt: AttemptRecord) => Promise<AttemptPatch>,
  ): Promise<AttemptRecord> {
    return this.unitOfWork.run(async (tx) => {
      const attempt = await tx.attempts.lock(attemptId)
      if (attempt === null || !mayFollow(attempt.state, to)) {
        throw new GantryError('INVALID_STATE', {
          detail: `attempt ${attemptId} cannot go from ${attempt?.state ?? 'nothing'} to ${to}`,
        })
      }
      const patch = { ...(await change(tx, attempt)), state: to }
      await tx.attempts.update(attemptId, patch)
      tx.record(attemptChanged(attempt, to), SYSTEM)
      return { ...attempt, state: to, remotePath: patch.remotePath ?? attempt.remotePath, reason: patch.reason ?? null }
    })
  }

  private async conclude(tx: Ledger, attempt: AttemptRecord, end: PrintEnd): Promise<Reason | null> {
    if (end.outcome === 'completed') {
      await this.moveCopy(tx, attempt, 'done')
      if (attempt.partId !== null) await tx.parts.countCompleted(attempt.partId, tx.now)
      return null
    }
    if (attempt.cancelRequested) {
      await this.moveCopy(tx, attempt, 'cancelled')
      return { code: 'CANCELLED_BY_USER', params: {} }
    }
    const reason: Reason =
      end.outcome === 'failed'
        ? { code: 'PRINT_FAILED', params: { attemptId: attempt.id, detail: end.detail } }
        : { code: 'CANCELLED_AT_PRINTER', params: { attemptId: attempt.id } }
    await this.moveCopy(tx, attempt, 'held')
    await this.hold(tx, { jobId: attempt.jobId }, reason)
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

  private async hold(tx: Ledger, subject: { printerId: string } | { jobId: string }, reason: Reason): Promise<void> {
    const isNew = await tx.holds.open(subject, reason, null)
    if (!isNew || !('printerId' in subject)) return
    tx.record(
      {
        type: 'printer.held',
        subjectType: 'printer',
        subjectId: subject.printerId,
        payload: { printerId: subject.printerId, code: reason.code },
      },
      SYSTEM,
    )
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

const onPrinter = (attempt: AttemptRecord) => ({
  subjectType: 'printer',
  subjectId: attempt.printerId,
  printerGroupId: attempt.printerGroupId,
})

const onAlarm = (alarmId: string, attempt: AttemptRecord) => ({
  subjectType: 'alarm',
  subjectId: alarmId,
  printerGroupId: attempt.printerGroupId,
})

const bedChanged = (attempt: AttemptRecord) => ({ type: 'printer.bed_changed' as const, ...onPrinter(attempt) })

const attemptChanged = (attempt: AttemptRecord, to: AttemptState) => ({
  type: 'attempt.changed' as const,
  subjectType: 'attempt',
  subjectId: attempt.id,
  printerGroupId: attempt.printerGroupId,
  projectId: attempt.projectId,
  payload: { attemptId: attempt.id, jobId: attempt.jobId, printerId: attempt.printerId, from: attempt.state, to },
})

/** The host's figure where it has one; a completed print without one took what the slicer said. */
const filamentOf = (
  attempt: AttemptRecord,
  end: PrintEnd,
): Pick<AttemptPatch, 'filamentUsedMm' | 'filamentUsedGrams'> => {
  const sliced = end.outcome === 'completed' ? attempt.slicedFilamentMm : null
  const filamentUsedMm = end.filamentUsedMm ?? sliced
  const { slicedFilamentMm, slicedFilamentGrams } = attempt
  const gramsPerMm =
    slicedFilamentMm !== null && slicedFilamentMm > 0 && slicedFilamentGrams !== null
      ? slicedFilamentGrams / slicedFilamentMm
      : null
  return {
    filamentUsedMm,
    filamentUsedGrams: filamentUsedMm === null || gramsPerMm === null ? null : filamentUsedMm * gramsPerMm,
  }
}
