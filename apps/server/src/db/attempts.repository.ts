import { ACTIVE_ATTEMPT_STATES, type Attempt, type PrintFileMetadata, type Reason } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type {
  AttemptPatch,
  AttemptRecord,
  AttemptRepository,
  NewAttempt,
} from '../modules/print-jobs/print-jobs.ports.js'
import type { Lease } from '../modules/printers/printer-session.js'
import { GantryError } from '../kernel/index.js'
import { lockClaimable, readClaimable } from './claimable-printers.js'
import { isUniqueViolation } from './errors.js'
import { Prisma } from './generated/client.js'
import { visibleJobs } from './scope.js'

const WITH_ALL = {
  job: { include: { fileVersion: true } },
  printer: { select: { groupId: true } },
} as const satisfies Prisma.AttemptInclude

type Row = Prisma.AttemptGetPayload<{ include: typeof WITH_ALL }>

const ACTIVE = { in: [...ACTIVE_ATTEMPT_STATES] }

const reasonOf = (row: { reasonCode: string | null; reasonParams: Prisma.JsonValue }): Reason | null =>
  row.reasonCode === null ? null : ({ code: row.reasonCode, params: row.reasonParams } as Reason)

const recordOf = (row: Row): AttemptRecord => {
  const { filamentTotal } = row.job.fileVersion.metadata as unknown as PrintFileMetadata
  return {
    id: row.id,
    jobId: row.jobId,
    jobName: row.job.name,
    partId: row.job.partId,
    projectId: row.job.projectId,
    printerGroupId: row.printer.groupId,
    copyNumber: row.copyNumber,
    printerId: row.printerId,
    state: row.state,
    leaseEpoch: row.leaseEpoch,
    bedBefore: row.bedBefore,
    remoteName: row.remoteName,
    remotePath: row.remotePath,
    reason: reasonOf(row),
    cancelRequested: row.cancelRequestedAt !== null,
    reassign: row.reassignRequestedAt === null ? null : { toPrinterId: row.reassignToPrinterId },
    startSentAt: row.startSentAt,
    startedAt: row.startedAt,
    fileVersionId: row.job.fileVersionId,
    fileSha256: row.job.fileVersion.sha256,
    fileSizeBytes: Number(row.job.fileVersion.sizeBytes),
    slicedFilamentMm: filamentTotal.lengthMm,
    slicedFilamentGrams: filamentTotal.weightGrams,
  }
}

/** An attempt as clients see it. */
export const attemptOf = (row: Prisma.AttemptGetPayload<object>): Attempt => ({
  id: row.id,
  jobId: row.jobId,
  copyNumber: row.copyNumber,
  printerId: row.printerId,
  state: row.state,
  reason: reasonOf(row),
  printSeconds: row.printSeconds,
  filamentUsedMm: row.filamentUsedMm,
  filamentUsedGrams: row.filamentUsedGrams,
  reassign:
    row.reassignRequestedAt === null
      ? null
      : { requestedAt: row.reassignRequestedAt, toPrinterId: row.reassignToPrinterId },
  claimedAt: row.claimedAt,
  startedAt: row.startedAt,
  endedAt: row.endedAt,
})

const alreadyActive = (error: unknown): never => {
  const indexes = ['attempt_one_active_per_printer', 'attempt_one_active_per_copy']
  if (!indexes.some((index) => isUniqueViolation(error, index))) throw error
  throw new GantryError('INVALID_STATE', { detail: 'the printer or the copy is in hand already', cause: error })
}

export class PrismaAttemptRepository implements AttemptRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  lookAtForClaim(leases: Lease[]) {
    return readClaimable(this.tx, leases)
  }

  async lockForClaim(leases: Lease[]) {
    const locked = await lockClaimable(this.tx, leases)
    // Read again: what the statement that locks reads of other rows may be older than its locks.
    return readClaimable(
      this.tx,
      leases.filter(({ printerId }) => locked.has(printerId)),
    )
  }

  async isLeaseValid({ printerId, owner, epoch }: Lease) {
    const rows = await this.tx.$queryRaw<unknown[]>`
      SELECT 1 FROM printer_runtime
      WHERE printer_id = ${printerId} AND lease_owner = ${owner} AND lease_epoch = ${epoch} AND lease_until > now()
      FOR UPDATE`
    return rows.length === 1
  }

  async create(attempts: NewAttempt[]) {
    const rows = attempts.map(({ lease: { printerId, epoch }, ...attempt }) => ({ ...attempt, printerId, epoch }))
    await this.tx.$executeRaw`
      WITH claimed AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS t (id text, "jobId" text, "copyNumber" int,
          "printerId" text, epoch int, "bedBefore" bed_state, "remoteName" text)
      ), stored AS (
        INSERT INTO attempt (id, job_id, copy_number, printer_id, lease_epoch, bed_before, remote_name)
        SELECT id, "jobId", "copyNumber", "printerId", epoch, "bedBefore", "remoteName" FROM claimed
      )
      UPDATE printer_runtime SET bed = 'occupied', bed_since = now()
      FROM claimed WHERE printer_id = claimed."printerId"`.catch(alreadyActive)
  }

  async lock(attemptId: string) {
    await this.tx.$queryRaw`
      SELECT 1 FROM print_job WHERE id = (SELECT job_id FROM attempt WHERE id = ${attemptId}) FOR UPDATE`
    await this.tx.$queryRaw`SELECT 1 FROM attempt WHERE id = ${attemptId} FOR UPDATE`
    return this.first({ id: attemptId })
  }

  async update(attemptId: string, { reason, ...patch }: AttemptPatch) {
    const columns =
      reason === undefined
        ? {}
        : { reasonCode: reason?.code ?? null, reasonParams: reason === null ? Prisma.DbNull : reason.params }
    await this.tx.attempt.update({ where: { id: attemptId }, data: { ...patch, ...columns } })
  }

  findActiveOn(printerId: string) {
    return this.first({ printerId, state: ACTIVE })
  }

  async listActiveOfJob(jobId: string) {
    const rows = await this.tx.attempt.findMany({ where: { jobId, state: ACTIVE }, include: WITH_ALL })
    return rows.map(recordOf)
  }

  async unwantedOn(printerIds: string[]) {
    const wish = [{ cancelRequestedAt: { not: null } }, { reassignRequestedAt: { not: null } }]
    const rows = await this.tx.attempt.findMany({
      where: { printerId: { in: printerIds }, state: ACTIVE, OR: wish },
      select: { printerId: true },
    })
    return rows.map(({ printerId }) => printerId)
  }

  async endedAmong(printerId: string, remoteNames: string[]) {
    const rows = await this.tx.attempt.findMany({
      where: { printerId, remoteName: { in: remoteNames }, state: { notIn: [...ACTIVE_ATTEMPT_STATES] } },
      select: { remoteName: true },
    })
    return rows.map(({ remoteName }) => remoteName)
  }

  startedAmong(printerId: string, remoteNames: string[]) {
    return this.tx.attempt.findMany({
      where: { printerId, remoteName: { in: remoteNames }, state: { not: 'revoked' } },
      select: { remoteName: true, hostJobRef: true },
    })
  }

  async listWithFileOn(printerId: string, limit: number) {
    const rows = await this.tx.attempt.findMany({
      where: { printerId, fileRemovedAt: null, state: { notIn: [...ACTIVE_ATTEMPT_STATES] } },
      include: WITH_ALL,
      orderBy: { claimedAt: 'asc' },
      take: limit,
    })
    return rows.map(recordOf)
  }

  async listOfJob(actor: Actor, jobId: string, limit: number) {
    const where = { jobId, job: visibleJobs(actor) }
    const rows = await this.tx.attempt.findMany({ where, orderBy: { claimedAt: 'desc' }, take: limit })
    return rows.map(attemptOf)
  }

  async get(actor: Actor, attemptId: string) {
    const row = await this.tx.attempt.findFirst({ where: { id: attemptId, job: visibleJobs(actor) } })
    return row === null ? null : attemptOf(row)
  }

  private async first(where: Prisma.AttemptWhereInput): Promise<AttemptRecord | null> {
    const row = await this.tx.attempt.findFirst({ where, include: WITH_ALL })
    return row === null ? null : recordOf(row)
  }
}
