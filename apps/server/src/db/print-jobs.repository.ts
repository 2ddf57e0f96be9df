import type { JobRequirements, PrintJob, PrintJobState, Reason } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type {
  CopyBinding,
  CopyState,
  JobCounts,
  NewPrintJob,
  PrintJobRepository,
  QueueKey,
  WaitingJob,
} from '../modules/print-jobs/print-jobs.ports.js'
import { isOver, jobStateOf } from '../modules/print-jobs/print-job.state.js'
import { Prisma } from './generated/client.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'
import { visibleJobs } from './scope.js'

const WITH_HOLDS = { holds: { where: { releasedAt: null } } } as const satisfies Prisma.PrintJobInclude
type Row = Prisma.PrintJobGetPayload<{ include: typeof WITH_HOLDS }>
type CountColumns = Pick<Row, `${CopyState}Copies`>

const countsOf = (row: CountColumns) => ({
  queued: row.queuedCopies,
  active: row.activeCopies,
  done: row.doneCopies,
  failed: row.failedCopies,
  cancelled: row.cancelledCopies,
  held: row.heldCopies,
})

const columnsOf = (counts: JobCounts['counts']): CountColumns => ({
  queuedCopies: counts.queued,
  activeCopies: counts.active,
  doneCopies: counts.done,
  failedCopies: counts.failed,
  cancelledCopies: counts.cancelled,
  heldCopies: counts.held,
})

const jobOf = (row: Row): PrintJob => ({
  id: row.id,
  name: row.name,
  state: row.state,
  fileVersionId: row.fileVersionId,
  projectId: row.projectId,
  partId: row.partId,
  copies: row.copies,
  counts: countsOf(row),
  priority: row.priority,
  requirements: row.requirements as unknown as JobRequirements,
  holds: row.holds.map(({ code, params }) => ({ code, params }) as Reason),
  version: row.version,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  finishedAt: row.finishedAt,
})

export class PrismaPrintJobRepository implements PrintJobRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async create(job: NewPrintJob) {
    const requirements = job.requirements as unknown as Prisma.InputJsonObject
    await this.tx.printJob.create({ data: { ...job, requirements, queuedCopies: job.copies } })
    await this.tx.$executeRaw`
      INSERT INTO print_copy (job_id, number) SELECT ${job.id}, generate_series(1, ${job.copies})`
  }

  async get(actor: Actor, jobId: string) {
    const row = await this.tx.printJob.findFirst({
      where: { AND: [visibleJobs(actor), { id: jobId }] },
      include: WITH_HOLDS,
    })
    return row === null ? null : jobOf(row)
  }

  async list(actor: Actor, query: Parameters<PrintJobRepository['list']>[1]) {
    const rows = await this.tx.printJob.findMany({
      where: {
        AND: [
          visibleJobs(actor),
          olderThan(decodeCursor(query.cursor)),
          query.states.length === 0 ? {} : { state: { in: query.states } },
          query.projectId === null ? {} : { projectId: query.projectId },
        ],
      },
      include: WITH_HOLDS,
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: query.limit + 1,
    })
    return toPage(rows, query.limit, ({ createdAt, id }) => ({ at: createdAt, id }), jobOf)
  }

  waiting(after: QueueKey | null, limit: number): Promise<WaitingJob[]> {
    const behind =
      after === null
        ? Prisma.sql`true`
        : Prisma.sql`(-priority, created_at, id) > (${-after.priority}, ${after.createdAt}, ${after.id})`
    return this.tx.$queryRaw<WaitingJob[]>`
      SELECT id, priority, created_at AS "createdAt", requirements, queued_copies AS "queuedCopies", (
        SELECT coalesce(jsonb_agg(jsonb_build_object('onlyPrinterId', only_printer_id, 'notPrinterId', not_printer_id)), '[]')
        FROM print_copy WHERE job_id = print_job.id AND state = 'queued'
          AND (only_printer_id IS NOT NULL OR not_printer_id IS NOT NULL)) AS bindings
      FROM print_job WHERE queued_copies > 0 AND ${behind} ORDER BY priority DESC, created_at, id LIMIT ${limit}`
  }

  async takeQueuedCopy(jobId: string, printerId: string, whenLocked: 'skip' | 'wait') {
    const locking = whenLocked === 'skip' ? Prisma.sql`FOR UPDATE SKIP LOCKED` : Prisma.sql`FOR UPDATE`
    const locked = await this.tx.$queryRaw<unknown[]>`
      SELECT 1 FROM print_job WHERE id = ${jobId} AND queued_copies > 0 ${locking}`
    if (locked.length === 0) return null
    const [copy] = await this.tx.$queryRaw<{ number: number }[]>`
      SELECT number FROM print_copy WHERE job_id = ${jobId} AND state = 'queued'
        AND coalesce(only_printer_id, ${printerId}) = ${printerId} AND not_printer_id IS DISTINCT FROM ${printerId}
      ORDER BY number LIMIT 1`
    return copy?.number ?? null
  }

  async bindCopy(jobId: string, number: number, { onlyPrinterId, notPrinterId }: CopyBinding) {
    // Shared: who removes the printer meanwhile waits, and then finds the copy and lets it go.
    const there = await this.tx.$queryRaw<unknown[]>`
      SELECT 1 FROM printer WHERE id = ${onlyPrinterId} AND removed_at IS NULL FOR SHARE`
    const data = { onlyPrinterId: there.length === 0 ? null : onlyPrinterId, notPrinterId }
    await this.tx.printCopy.update({ where: { jobId_number: { jobId, number } }, data })
  }

  async unbindCopies(jobId: string) {
    await this.tx.$executeRaw`
      UPDATE print_copy SET only_printer_id = NULL, not_printer_id = NULL
      WHERE job_id = ${jobId} AND (only_printer_id IS NOT NULL OR not_printer_id IS NOT NULL)`
  }

  async lock(actor: Actor, jobId: string) {
    const visible = await this.tx.printJob.findFirst({
      where: { AND: [visibleJobs(actor), { id: jobId }] },
      select: { id: true },
    })
    return visible === null ? null : this.lockCounts(jobId)
  }

  async moveCopy(jobId: string, copyNumber: number, to: CopyState, now: Date) {
    const job = await this.lockCounts(jobId)
    const key = { jobId_number: { jobId, number: copyNumber } }
    const { state: from } = await this.tx.printCopy.findUniqueOrThrow({ where: key })
    if (from === to) return job
    await this.tx.printCopy.update({ where: key, data: { state: to } })
    return this.save(job, { ...job.counts, [from]: job.counts[from] - 1, [to]: job.counts[to] + 1 }, now)
  }

  async moveIdleCopies(jobId: string, from: CopyState, to: CopyState, now: Date) {
    const job = await this.lockCounts(jobId)
    const moved = await this.tx.$executeRaw`
      UPDATE print_copy c SET state = ${to}::print_copy_state
      WHERE c.job_id = ${jobId} AND c.state = ${from}::print_copy_state AND NOT EXISTS (
        SELECT 1 FROM attempt a WHERE a.job_id = c.job_id AND a.copy_number = c.number
          AND a.state IN ('claimed', 'uploading', 'starting', 'printing', 'paused', 'unknown'))`
    if (moved === 0) return job
    return this.save(job, { ...job.counts, [from]: job.counts[from] - moved, [to]: job.counts[to] + moved }, now)
  }

  async heldCopiesThatFailed(jobId: string) {
    const rows = await this.tx.$queryRaw<{ number: number }[]>`
      SELECT c.number FROM print_copy c WHERE c.job_id = ${jobId} AND c.state = 'held' AND (
        SELECT a.state FROM attempt a WHERE a.job_id = c.job_id AND a.copy_number = c.number
        ORDER BY a.claimed_at DESC LIMIT 1) = 'failed'`
    return rows.map(({ number }) => number)
  }

  private async lockCounts(jobId: string): Promise<JobCounts> {
    await this.tx.$queryRaw`SELECT 1 FROM print_job WHERE id = ${jobId} FOR UPDATE`
    const row = await this.tx.printJob.findUniqueOrThrow({ where: { id: jobId } })
    return {
      id: row.id,
      partId: row.partId,
      projectId: row.projectId,
      printerGroupId: null,
      copies: row.copies,
      counts: countsOf(row),
      state: row.state,
    }
  }

  private async save(job: JobCounts, counts: JobCounts['counts'], now: Date): Promise<JobCounts> {
    const state: PrintJobState = jobStateOf(counts)
    await this.tx.printJob.update({
      where: { id: job.id },
      data: { ...columnsOf(counts), state, updatedAt: now, finishedAt: isOver(state) ? now : null },
    })
    return { ...job, counts, state }
  }
}
