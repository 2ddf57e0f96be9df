import {
  ACTIVE_ATTEMPT_STATES,
  type Attempt,
  type BedState,
  type PrintFileMetadata,
  type Reason,
} from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type {
  AttemptPatch,
  AttemptRecord,
  AttemptRepository,
  ClaimablePrinter,
  NewAttempt,
} from '../modules/print-jobs/print-jobs.ports.js'
import type { Lease } from '../modules/printers/printer-session.js'
import { GantryError } from '../kernel/index.js'
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

interface ClaimRow {
  bed: BedState
  bedSince: Date
}

const alreadyActive = (error: unknown): never => {
  const indexes = ['attempt_one_active_per_printer', 'attempt_one_active_per_copy']
  if (!indexes.some((index) => isUniqueViolation(error, index))) throw error
  throw new GantryError('INVALID_STATE', { detail: 'the printer or the copy is in hand already', cause: error })
}

export class PrismaAttemptRepository implements AttemptRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async lockPrinterForClaim({ printerId, owner, epoch }: Lease): Promise<ClaimablePrinter | null> {
    const [locked] = await this.tx.$queryRaw<ClaimRow[]>`
      SELECT bed::text AS bed, bed_since AS "bedSince" FROM printer_runtime
      WHERE printer_id = ${printerId} AND lease_owner = ${owner} AND lease_epoch = ${epoch} AND lease_until > now()
      FOR UPDATE`
    if (locked === undefined) return null
    // Shared: what a person changes of the printer is either seen here or waits until the claim is made.
    await this.tx.$queryRaw`SELECT 1 FROM printer WHERE id = ${printerId} FOR SHARE`
    const printer = await this.tx.printer.findFirst({
      where: { id: printerId, removedAt: null },
      include: {
        materials: { orderBy: { slot: 'asc' } },
        holds: { where: { releasedAt: null } },
        attempts: { where: { state: ACTIVE }, take: 1 },
      },
    })
    if (printer === null) return null
    const { volumeXMm: xMm, volumeYMm: yMm, volumeZMm: zMm } = printer
    return {
      printerId,
      name: printer.name,
      enabled: printer.enabled,
      maintenance: printer.maintenance,
      ...locked,
      holdCodes: printer.holds.map(({ code }) => code),
      activeAttemptId: printer.attempts[0]?.id ?? null,
      facts: {
        model: printer.model,
        groupId: printer.groupId,
        nozzleDiameterMm: printer.nozzleDiameterMm,
        buildVolume: xMm === null || yMm === null || zMm === null ? null : { xMm, yMm, zMm },
        materials: printer.materials,
      },
    }
  }

  async isLeaseValid({ printerId, owner, epoch }: Lease) {
    const rows = await this.tx.$queryRaw<unknown[]>`
      SELECT 1 FROM printer_runtime
      WHERE printer_id = ${printerId} AND lease_owner = ${owner} AND lease_epoch = ${epoch} AND lease_until > now()
      FOR UPDATE`
    return rows.length === 1
  }

  async create({ lease, ...attempt }: NewAttempt) {
    await this.tx.attempt
      .create({ data: { ...attempt, printerId: lease.printerId, leaseEpoch: lease.epoch } })
      .catch(alreadyActive)
    await this.tx.$executeRaw`
      UPDATE printer_runtime SET bed = 'occupied', bed_since = now() WHERE printer_id = ${lease.printerId}`
    await this.tx.printCopy.update({
      where: { jobId_number: { jobId: attempt.jobId, number: attempt.copyNumber } },
      data: { attempts: { increment: 1 } },
    })
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
