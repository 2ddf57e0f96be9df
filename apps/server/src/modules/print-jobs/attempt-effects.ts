import type { AlarmCode, AlarmSeverity, Reason, ReasonCode } from '@gantry/schemas'

import type { TransactionContext } from '../../kernel/index.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import { raiseAlarm } from '../alarms/raise-alarm.js'
import type { HoldRepository } from '../printers/holds.ports.js'
import type { BedRepository } from '../printers/printers.ports.js'
import type { PrintOutcome } from '../printers/printer-driver.port.js'
import type { PartProgressRepository } from '../projects/projects.ports.js'
import { isUnwanted, onAlarm, onPrinter, projectUpdated, wishOf } from './attempt-facts.js'
import type { AttemptRecord, AttemptRepository, CopyState, PrintJobRepository } from './print-jobs.ports.js'

export interface LedgerRepositories {
  attempts: AttemptRepository
  printJobs: PrintJobRepository
  holds: HoldRepository
  alarms: AlarmRepository
  beds: BedRepository
  parts: PartProgressRepository
}

/** The transaction in which an attempt moves, with all that moves along. */
export type Ledger = LedgerRepositories & TransactionContext

/** What is known of a print that ended. */
export interface PrintEnd {
  outcome: PrintOutcome
  detail: string | null
  hostJobRef: string | null
  printSeconds: number | null
  filamentUsedMm: number | null
}

const SYSTEM = 'system'

/** Reasons that keep a printer from further work until a person has looked, with the alarm that calls the person. */
const ALARM_OF: Partial<Record<ReasonCode, { code: AlarmCode; severity: AlarmSeverity }>> = {
  PRINTER_LOST: { code: 'PRINTER_LOST', severity: 'critical' },
  ATTEMPT_UNKNOWN: { code: 'ATTEMPT_UNKNOWN', severity: 'critical' },
  OUTCOME_UNKNOWN: { code: 'ATTEMPT_UNKNOWN', severity: 'critical' },
  PRINT_FAILED: { code: 'PRINT_FAILED', severity: 'warning' },
}

/** What its end means for the copy, the part, and whoever has to look. @returns the reason to keep with the attempt */
export const conclude = async (tx: Ledger, attempt: AttemptRecord, end: PrintEnd): Promise<Reason | null> => {
  if (end.outcome === 'completed') {
    await completeCopy(tx, attempt)
    return null
  }
  if (isUnwanted(attempt)) {
    await putBack(tx, attempt)
    return wishOf(attempt)
  }
  const reason: Reason =
    end.outcome === 'failed'
      ? { code: 'PRINT_FAILED', params: { attemptId: attempt.id, detail: end.detail } }
      : { code: 'CANCELLED_AT_PRINTER', params: { attemptId: attempt.id } }
  await moveCopy(tx, attempt, 'held')
  await tx.holds.open({ jobId: attempt.jobId }, reason, null)
  await alarm(tx, attempt, reason)
  return reason
}

/** What was held and alarmed because the attempt was unknown is so no longer. */
export const settle = async (tx: Ledger, attempt: AttemptRecord): Promise<void> => {
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

export const moveCopy = async (tx: Ledger, attempt: AttemptRecord, to: CopyState): Promise<void> => {
  const { id, projectId, state } = await tx.printJobs.moveCopy(attempt.jobId, attempt.copyNumber, to, tx.now)
  tx.record(
    {
      type: 'print_job.changed',
      subjectType: 'print_job',
      subjectId: id,
      projectId,
      payload: { jobId: id, state },
    },
    SYSTEM,
  )
}

/** The copy of an attempt that came to nothing goes where people want it: nowhere, to a certain printer, to any. */
export const putBack = async (tx: Ledger, attempt: AttemptRecord): Promise<void> => {
  if (attempt.cancelRequested) return moveCopy(tx, attempt, 'cancelled')
  const { jobId, copyNumber, printerId, reassign } = attempt
  if (reassign !== null) {
    const onlyPrinterId = reassign.toPrinterId
    const notPrinterId = onlyPrinterId === null ? printerId : null
    await tx.printJobs.bindCopy(jobId, copyNumber, { onlyPrinterId, notPrinterId })
  }
  await moveCopy(tx, attempt, 'queued')
}

/** The copy is there, and counts for its part. */
export const completeCopy = async (tx: Ledger, attempt: AttemptRecord): Promise<void> => {
  await moveCopy(tx, attempt, 'done')
  const { partId, projectId } = attempt
  if (partId === null) return
  await tx.parts.countCompleted(partId, tx.now)
  if (projectId !== null) tx.record(projectUpdated(projectId), SYSTEM)
}

/** Copy, printer and job wait for a person, who is called. */
export const holdAll = async (tx: Ledger, attempt: AttemptRecord, reason: Reason): Promise<void> => {
  await moveCopy(tx, attempt, 'held')
  await holdPrinter(tx, attempt, reason)
  await tx.holds.open({ jobId: attempt.jobId }, reason, null)
  await alarm(tx, attempt, reason)
}

export const holdPrinter = async (tx: Ledger, attempt: AttemptRecord, reason: Reason): Promise<void> => {
  const { printerId } = attempt
  if (await tx.holds.open({ printerId }, reason, null))
    tx.record({ type: 'printer.held', ...onPrinter(attempt), payload: { printerId, code: reason.code } }, SYSTEM)
}

const alarm = async (tx: Ledger, attempt: AttemptRecord, reason: Reason): Promise<void> => {
  const raised = ALARM_OF[reason.code]
  if (raised === undefined) return
  const params = { ...reason.params, jobId: attempt.jobId, printerId: attempt.printerId }
  await raiseAlarm(tx, { ...raised, params, subjectType: 'attempt', subjectId: attempt.id }, attempt.printerGroupId)
}
