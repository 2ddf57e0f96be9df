import type { AttemptState, BedState, Reason } from '@gantry/schemas'

import type { PrintEnd } from './attempt-effects.js'
import type { AttemptPatch, AttemptRecord } from './print-jobs.ports.js'

export const onPrinter = (attempt: AttemptRecord) => ({
  subjectType: 'printer',
  subjectId: attempt.printerId,
  printerGroupId: attempt.printerGroupId,
})

export const onAlarm = (alarmId: string, attempt: AttemptRecord) => ({
  subjectType: 'alarm',
  subjectId: alarmId,
  printerGroupId: attempt.printerGroupId,
})

export const bedChanged = (attempt: AttemptRecord, bed: BedState) => ({
  type: 'printer.bed_changed' as const,
  ...onPrinter(attempt),
  payload: { printerId: attempt.printerId, bed },
})

/** A part of it made progress. */
export const projectUpdated = (projectId: string) => ({
  type: 'project.updated' as const,
  subjectType: 'project',
  subjectId: projectId,
  projectId,
  payload: { projectId },
})

export const attemptChanged = (attempt: AttemptRecord, to: AttemptState) => ({
  type: 'attempt.changed' as const,
  subjectType: 'attempt',
  subjectId: attempt.id,
  printerGroupId: attempt.printerGroupId,
  projectId: attempt.projectId,
  payload: { attemptId: attempt.id, jobId: attempt.jobId, printerId: attempt.printerId, from: attempt.state, to },
})

export const reassignRequested = (attempt: AttemptRecord, toPrinterId: string | null) => ({
  type: 'attempt.reassign_requested' as const,
  subjectType: 'attempt',
  subjectId: attempt.id,
  printerGroupId: attempt.printerGroupId,
  projectId: attempt.projectId,
  payload: { attemptId: attempt.id, jobId: attempt.jobId, printerId: attempt.printerId, toPrinterId },
})

/** Whether a person wants it stopped: its copy cancelled, or printed elsewhere. */
export const isUnwanted = ({ cancelRequested, reassign }: AttemptRecord): boolean =>
  cancelRequested || reassign !== null

/** What the person wanted who had it stopped; who cancels the job has the last word. */
export const wishOf = ({ cancelRequested, reassign }: AttemptRecord): Reason =>
  cancelRequested || reassign === null
    ? { code: 'CANCELLED_BY_USER', params: {} }
    : { code: 'REASSIGNED_BY_USER', params: reassign }

/** The host's figure where it has one; a completed print without one took what the slicer said. */
export const filamentOf = (
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
