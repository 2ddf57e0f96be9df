import { randomBytes } from 'node:crypto'

import {
  GantryError,
  JobRefused,
  pause,
  type JobDelivery,
  type Logger,
  type Primary,
  type Scope,
  type Timers,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { UserRepository } from '../auth/auth.ports.js'
import { emailNotification } from '../notifications/notifications.jobs.js'
import type { dataExportJob } from './exports.jobs.js'
import type { ExportRecord, ExportRepository, ExportRun, ExportStorage, ExportTables } from './exports.ports.js'
import { adoptOrder } from './adopt-order.js'
import { expectOwnerMay } from './taker.js'
import { writeExport } from './write-export.js'

export interface ExportRepositories {
  exports: ExportRepository
  users: UserRepository
}

export interface ExportRunnerDeps {
  unitOfWork: UnitOfWork<ExportRepositories>
  reads: Primary<ExportRepositories>
  tables: ExportTables
  storage: ExportStorage
  clock: Timers
  log: Logger
  /** Rows read at a time. @default 500 */
  pageSize?: number
  /** How often progress is written down. @default 1000 */
  reportMs?: number
  /** A run that says nothing for so long counts as dead. @default 30 000 */
  silentMs?: number
  /** No export is larger. @default 4 GB */
  maxBytes?: number
}

type Delivery = JobDelivery<typeof dataExportJob>

/** How long a finished export can be downloaded. */
const KEPT_MS = 7 * 24 * 60 * 60_000

/** Thrown to stop a run whose result nobody wants. */
class RunLost extends Error {
  override readonly name = 'RunLost'
}

const codeOf = (error: unknown) => (error instanceof GantryError ? error.code : 'INTERNAL')

/** What another try would only meet again. */
const isForGood = (error: unknown): boolean =>
  error instanceof JobRefused ||
  (error instanceof GantryError && (error.code === 'FILE_TOO_LARGE' || error.code === 'FORBIDDEN'))

/** Does DATA_EXPORT: of several deliveries of one job one writes, and one result is kept. */
export class ExportRunner {
  private readonly pageSize: number
  private readonly reportMs: number
  private readonly silentMs: number
  private readonly maxBytes: number

  constructor(private readonly deps: ExportRunnerDeps) {
    this.pageSize = deps.pageSize ?? 500
    this.reportMs = deps.reportMs ?? 1_000
    this.silentMs = deps.silentMs ?? 30_000
    this.maxBytes = deps.maxBytes ?? 4_000_000_000
  }

  async handle(delivery: Delivery): Promise<void> {
    const { payload, jobId, signal } = delivery
    const exportId = 'exportId' in payload ? payload.exportId : await adoptOrder(this.deps, jobId, payload.order)
    const run = { exportId, id: randomBytes(16).toString('hex') }
    const record = await this.begin(run, signal)
    if (record === null) return
    try {
      await this.write(record, run, delivery)
    } catch (error) {
      await this.giveUp(record, run, delivery, error)
    }
  }

  /** Waits while another run writes it: that one finishes the job, or falls silent. @returns null when it is over */
  private async begin(run: ExportRun, signal: AbortSignal): Promise<ExportRecord | null> {
    for (;;) {
      signal.throwIfAborted()
      const begun = await this.deps.unitOfWork.run(({ exports }) => exports.begin(run, this.silentMs))
      if (begun === 'over') return null
      if (begun !== 'busy') return begun
      await pause(this.deps.clock, this.reportMs, signal)
    }
  }

  private async write(record: ExportRecord, run: ExportRun, { jobId, signal }: Delivery): Promise<void> {
    const { storage, tables } = this.deps
    const { projects } = await this.allowedScope(record)
    const pending = await storage.begin()
    const storedName = `${run.exportId}.${run.id}`
    try {
      const rowsWritten = await writeExport({
        ...{ tables, record, projects, to: pending, signal, pageSize: this.pageSize, maxBytes: this.maxBytes },
        onRows: this.reporter(run),
      })
      signal.throwIfAborted()
      const { sizeBytes } = await pending.commit(storedName)
      await this.finish(record, run, jobId, { storedName, sizeBytes, rowsWritten })
    } finally {
      await pending.abort()
    }
  }

  /** Who ordered data must still be allowed to have them, and gets what they may see now. */
  private async allowedScope(record: ExportRecord): Promise<Scope> {
    const { users } = this.deps.reads
    const { createdById } = record
    if ((await users.get(createdById)) === null) throw new JobRefused(`there is no user ${createdById}`)
    return (await expectOwnerMay({ users }, record)).scope
  }

  private reporter(run: ExportRun) {
    let toldMs = -Infinity
    return async (rows: { total: number; written: number }): Promise<void> => {
      const nowMs = this.deps.clock.monotonicMs()
      if (nowMs - toldMs < this.reportMs) return
      toldMs = nowMs
      const isMine = await this.deps.unitOfWork.run(({ exports }) => exports.report(run, rows))
      if (!isMine) throw new RunLost('removed, or written by another run')
    }
  }

  /** Ready, the job's end, the mail and the event are one transaction. The file of a run that came too late goes. */
  private async finish(
    record: ExportRecord,
    run: ExportRun,
    jobId: string,
    file: { storedName: string; sizeBytes: number; rowsWritten: number },
  ): Promise<void> {
    const { unitOfWork, storage } = this.deps
    const isKept = await unitOfWork
      .run(async (tx) => {
        if (!(await tx.finishJob(jobId))) return false
        const expiresAt = new Date(tx.now.getTime() + KEPT_MS)
        if (!(await tx.exports.finish(run, { ...file, expiresAt }, tx.now))) throw new RunLost('it came too late')
        await tell(tx, record, expiresAt)
        return true
      })
      .catch(async (error: unknown) => {
        // After any other error the commit may have happened; then a clean-up finds out whether the file is wanted.
        if (error instanceof RunLost) await storage.delete(file.storedName)
        throw error
      })
    if (!isKept) await storage.delete(file.storedName)
  }

  /** Says what became of the export; the error goes on to the queue, save when nobody wants the export any more. */
  private async giveUp(record: ExportRecord, run: ExportRun, delivery: Delivery, error: unknown): Promise<void> {
    const { attempt, attempts, signal } = delivery
    if (error instanceof RunLost) {
      if (!(await this.deps.reads.exports.exists(record.id))) return
      throw error
    }
    if (!signal.aborted && (isForGood(error) || attempt >= attempts)) await this.fail(record, error)
    else await this.deps.unitOfWork.run(({ exports }) => exports.release(run))
    if (isForGood(error) && !(error instanceof JobRefused)) throw new JobRefused(String(error), { cause: error })
    throw error
  }

  private async fail({ id, createdById }: ExportRecord, error: unknown): Promise<void> {
    const { unitOfWork } = this.deps
    const code = codeOf(error)
    await unitOfWork.run(async (tx) => {
      if (await tx.exports.fail(id, code, tx.now)) recordFailure(tx, id, createdById, code)
    })
  }
}

export const recordFailure = (
  tx: TransactionContext,
  exportId: string,
  userId: string,
  code: ReturnType<typeof codeOf>,
): void =>
  tx.record(
    { type: 'export.failed', subjectType: 'export', subjectId: exportId, payload: { exportId, userId, code } },
    userId,
  )

const tell = async (
  tx: ExportRepositories & TransactionContext,
  { id: exportId, createdById: userId, format }: ExportRecord,
  expiresAt: Date,
): Promise<void> => {
  const payload = { exportId, userId }
  tx.record({ type: 'export.ready', subjectType: 'export', subjectId: exportId, payload }, userId)
  const user = await tx.users.get(userId)
  const to = emailNotification.payload.shape.to.safeParse(user?.email)
  if (!to.success) return
  const data = { exportId, format, expiresAt: expiresAt.toISOString() }
  tx.jobs.add(emailNotification, {
    to: to.data,
    key: `export:${exportId}`,
    content: { template: 'export-ready', data },
  })
}
