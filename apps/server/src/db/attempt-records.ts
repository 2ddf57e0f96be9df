import type { AttemptState, BedState, Reason } from '@gantry/schemas'

import type { AttemptRecord } from '../modules/print-jobs/print-jobs.ports.js'
import type { Prisma } from './generated/client.js'

type Row = Omit<AttemptRecord, 'reason' | 'reassign'> & {
  state: AttemptState
  bedBefore: BedState
  reasonCode: string | null
  reasonParams: unknown
  reassignRequested: boolean
  reassignToPrinterId: string | null
}

export const reasonOf = ({ reasonCode, reasonParams }: Pick<Row, 'reasonCode' | 'reasonParams'>): Reason | null =>
  reasonCode === null ? null : ({ code: reasonCode, params: reasonParams } as Reason)

const recordOf = ({
  reasonCode,
  reasonParams,
  reassignRequested,
  reassignToPrinterId,
  ...row
}: Row): AttemptRecord => ({
  ...row,
  reason: reasonOf({ reasonCode, reasonParams }),
  reassign: reassignRequested ? { toPrinterId: reassignToPrinterId } : null,
})

/**
 * Attempts `a` with what is needed to carry them out, in one statement.
 * @param which what comes after the FROM; may lock `a`, which is then shown as the lock shows it
 */
export const readAttempts = async (tx: Prisma.TransactionClient, which: Prisma.Sql): Promise<AttemptRecord[]> => {
  const rows = await tx.$queryRaw<Row[]>`
    SELECT a.id, a.job_id AS "jobId", j.name AS "jobName", j.part_id AS "partId", j.origin, j.project_id AS "projectId",
      p.group_id AS "printerGroupId", a.copy_number AS "copyNumber", a.printer_id AS "printerId",
      a.state::text AS state, a.lease_epoch AS "leaseEpoch", a.bed_before::text AS "bedBefore",
      a.remote_name AS "remoteName", a.remote_path AS "remotePath", a.reason_code AS "reasonCode",
      a.reason_params AS "reasonParams", a.cancel_requested_at IS NOT NULL AS "cancelRequested",
      a.reassign_requested_at IS NOT NULL AS "reassignRequested", a.reassign_to_printer_id AS "reassignToPrinterId",
      a.start_sent_at AS "startSentAt", a.started_at AS "startedAt", j.file_version_id AS "fileVersionId",
      v.sha256 AS "fileSha256", v.size_bytes::float8 AS "fileSizeBytes",
      (v.metadata #>> '{filamentTotal,lengthMm}')::float8 AS "slicedFilamentMm",
      (v.metadata #>> '{filamentTotal,weightGrams}')::float8 AS "slicedFilamentGrams"
    FROM attempt a JOIN print_job j ON j.id = a.job_id JOIN file_version v ON v.id = j.file_version_id
      JOIN printer p ON p.id = a.printer_id ${which}`
  return rows.map(recordOf)
}
