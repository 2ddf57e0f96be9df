import { ACTIVE_ATTEMPT_STATES, type Attempt } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type { AttemptPatch, AttemptRepository, NewAttempt } from '../modules/print-jobs/print-jobs.ports.js'
import type { Lease } from '../modules/printers/printer-session.js'
import { GantryError } from '../kernel/index.js'
import { readAttempts, reasonOf } from './attempt-records.js'
import { lockClaimable, readClaimable } from './claimable-printers.js'
import { isUniqueViolation } from './errors.js'
import { Prisma } from './generated/client.js'
import { visibleJobs } from './scope.js'

/** In the words of the indexes on active attempts. */
const IS_ACTIVE = Prisma.sql`a.state IN ('claimed', 'uploading', 'starting', 'printing', 'paused', 'unknown')`

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
      WHERE printer_id = ${printerId} AND lease_owner = ${owner} AND lease_epoch = ${epoch}
        AND lease_until > clock_timestamp() FOR UPDATE`
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
    return this.lockAlone(attemptId)
  }

  lockAlone(attemptId: string) {
    return this.first(Prisma.sql`WHERE a.id = ${attemptId} FOR UPDATE OF a`)
  }

  async update(attemptId: string, { reason, ...patch }: AttemptPatch) {
    const columns =
      reason === undefined
        ? {}
        : { reasonCode: reason?.code ?? null, reasonParams: reason === null ? Prisma.DbNull : reason.params }
    await this.tx.attempt.update({ where: { id: attemptId }, data: { ...patch, ...columns } })
  }

  findActiveOn(printerId: string) {
    return this.first(Prisma.sql`WHERE a.printer_id = ${printerId} AND ${IS_ACTIVE}`)
  }

  listActiveOn(printerIds: string[]) {
    return readAttempts(this.tx, Prisma.sql`WHERE a.printer_id = ANY(${printerIds}) AND ${IS_ACTIVE}`)
  }

  listActiveOfJob(jobId: string) {
    return readAttempts(this.tx, Prisma.sql`WHERE a.job_id = ${jobId} AND ${IS_ACTIVE}`)
  }

  async unwantedOn(printerIds: string[]) {
    const wish = [{ cancelRequestedAt: { not: null } }, { reassignRequestedAt: { not: null } }]
    const rows = await this.tx.attempt.findMany({
      where: { printerId: { in: printerIds }, state: { in: [...ACTIVE_ATTEMPT_STATES] }, OR: wish },
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

  listWithFileOn(printerId: string, limit: number) {
    return readAttempts(
      this.tx,
      Prisma.sql`WHERE a.printer_id = ${printerId} AND a.file_removed_at IS NULL AND NOT ${IS_ACTIVE}
        ORDER BY a.claimed_at LIMIT ${limit}`,
    )
  }

  async listOfJob(actor: Actor, jobId: string, limit: number) {
    const where = { jobId, job: visibleJobs(actor) }
    const rows = await this.tx.attempt.findMany({ where, orderBy: { claimedAt: 'desc' }, take: limit })
    return rows.map(attemptOf)
  }

  async getMany(actor: Actor, attemptIds: string[]) {
    const rows = await this.tx.attempt.findMany({ where: { id: { in: attemptIds }, job: visibleJobs(actor) } })
    return new Map(rows.map((row) => [row.id, attemptOf(row)]))
  }

  async get(actor: Actor, attemptId: string) {
    const row = await this.tx.attempt.findFirst({ where: { id: attemptId, job: visibleJobs(actor) } })
    return row === null ? null : attemptOf(row)
  }

  private async first(which: Prisma.Sql) {
    const [attempt] = await readAttempts(this.tx, which)
    return attempt ?? null
  }
}
