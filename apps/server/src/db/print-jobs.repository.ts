import type { JobRequirements, Page, PrintJob, PrintJobState, Reason } from '@gantry/schemas'

import { origin, type Actor } from '../kernel/index.js'
import type {
  CopyBinding,
  CopyKey,
  CopyState,
  JobCounts,
  JobPatch,
  NewPrintJob,
  PrintJobQuery,
  PrintJobRepository,
  QueuedCopy,
  QueuePlace,
  WhenLocked,
} from '../modules/print-jobs/print-jobs.ports.js'
import { isOver, jobStateOf } from '../modules/print-jobs/print-job.state.js'
import { Prisma } from './generated/client.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'
import { decodeQueueCursor, encodeQueueCursor, IN_QUEUE_ORDER, stretchesBehind } from './queue-page.js'
import { visibleJobs } from './scope.js'
import { readWaiting, readWaitingKinds } from './waiting-jobs.js'

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

/** What ordered the job, where that is known. */
const ordering = (): { origin?: Prisma.InputJsonObject } => {
  const known = origin()
  return known === null ? {} : { origin: { ...known } }
}

const COUNTED = Prisma.sql`id, part_id AS "partId", project_id AS "projectId", copies, state::text AS state,
  queued_copies AS "queuedCopies", active_copies AS "activeCopies", done_copies AS "doneCopies",
  failed_copies AS "failedCopies", cancelled_copies AS "cancelledCopies", held_copies AS "heldCopies"`
type CountedRow = CountColumns & Pick<Row, 'id' | 'partId' | 'projectId' | 'copies' | 'state'>
type LockedRow = CountedRow & { requirements: JobRequirements }

const countedOf = (row: CountedRow): JobCounts => ({
  id: row.id,
  partId: row.partId,
  projectId: row.projectId,
  printerGroupId: null,
  copies: row.copies,
  counts: countsOf(row),
  state: row.state,
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

/** What the actor may see and the query asks for, in whatever order. */
const wanted = (actor: Actor, { states, projectId }: PrintJobQuery): Prisma.PrintJobWhereInput[] => [
  visibleJobs(actor),
  states.length === 0 ? {} : { state: { in: states } },
  projectId === null ? {} : { projectId },
]

export class PrismaPrintJobRepository implements PrintJobRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async create(job: NewPrintJob) {
    const requirements = job.requirements as unknown as Prisma.InputJsonObject
    await this.tx.printJob.create({ data: { ...job, requirements, queuedCopies: job.copies, ...ordering() } })
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

  async getMany(actor: Actor, jobIds: string[]) {
    const rows = await this.tx.printJob.findMany({
      where: { AND: [visibleJobs(actor), { id: { in: jobIds } }] },
      include: WITH_HOLDS,
    })
    return new Map(rows.map((row) => [row.id, jobOf(row)]))
  }

  async list(actor: Actor, query: PrintJobQuery) {
    if (query.order === 'queue') return this.queuePage(actor, query)
    const rows = await this.tx.printJob.findMany({
      where: { AND: [...wanted(actor, query), olderThan(decodeCursor(query.cursor))] },
      include: WITH_HOLDS,
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: query.limit + 1,
    })
    return toPage(rows, query.limit, ({ createdAt, id }) => ({ at: createdAt, id }), jobOf)
  }

  waitingKinds() {
    return readWaitingKinds(this.tx)
  }

  waiting(place: QueuePlace) {
    return readWaiting(this.tx, place)
  }

  async lockQueued(jobIds: string[], whenLocked: WhenLocked) {
    const locking = whenLocked === 'skip' ? Prisma.sql`FOR UPDATE SKIP LOCKED` : Prisma.sql`FOR UPDATE`
    // Each row as the lock shows it; by id, so that two who wait for the same jobs cannot wait for each other.
    const rows = await this.tx.$queryRaw<LockedRow[]>`
      SELECT ${COUNTED}, requirements FROM print_job WHERE id = ANY(${jobIds}) AND queued_copies > 0 ORDER BY id ${locking}`
    return rows.map((row) => ({ ...countedOf(row), requirements: row.requirements }))
  }

  queuedCopies(jobIds: string[], limit: number) {
    return this.tx.$queryRaw<QueuedCopy[]>`
      SELECT copy.job_id AS "jobId", copy.number AS "copyNumber", copy.only_printer_id AS "onlyPrinterId",
        copy.not_printer_id AS "notPrinterId"
      FROM unnest(${jobIds}::text[]) AS wanted (job_id) CROSS JOIN LATERAL (
        (SELECT * FROM print_copy WHERE job_id = wanted.job_id AND state = 'queued'
           AND only_printer_id IS NULL AND not_printer_id IS NULL ORDER BY number LIMIT ${limit})
        UNION ALL (SELECT * FROM print_copy WHERE job_id = wanted.job_id AND state = 'queued'
           AND (only_printer_id IS NOT NULL OR not_printer_id IS NOT NULL))
      ) AS copy ORDER BY copy.job_id, copy.number`
  }

  async activate(jobs: JobCounts[], copies: CopyKey[], now: Date) {
    const after = jobs.map((job) => {
      const moved = copies.filter(({ jobId }) => jobId === job.id).length
      const counts = { ...job.counts, queued: job.counts.queued - moved, active: job.counts.active + moved }
      return { ...job, counts, state: jobStateOf(counts) }
    })
    const rows = after.map(({ id, counts, state }) => ({ id, queued: counts.queued, active: counts.active, state }))
    await this.tx.$executeRaw`
      WITH moved AS (
        UPDATE print_copy SET state = 'active', attempts = attempts + 1
        FROM jsonb_to_recordset(${JSON.stringify(copies)}::jsonb) AS taken ("jobId" text, "copyNumber" int)
        WHERE job_id = taken."jobId" AND number = taken."copyNumber"
      )
      UPDATE print_job SET queued_copies = job.queued, active_copies = job.active, state = job.state::print_job_state,
        updated_at = ${now}, finished_at = NULL
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS job (id text, queued int, active int, state text)
      WHERE print_job.id = job.id`
    return after
  }

  async update(jobId: string, { requirements, ...patch }: JobPatch, now: Date) {
    const asked = requirements === undefined ? {} : { requirements: requirements as unknown as Prisma.InputJsonObject }
    await this.tx.printJob.update({
      where: { id: jobId },
      data: { ...patch, ...asked, version: { increment: 1 }, updatedAt: now },
    })
  }

  async addCopies(jobId: string, count: number, now: Date) {
    const job = await this.lockCounts(jobId)
    await this.tx.$executeRaw`
      INSERT INTO print_copy (job_id, number)
      SELECT ${jobId}, last + generate_series(1, ${count}::int) FROM (
        SELECT coalesce(max(number), 0) AS last FROM print_copy WHERE job_id = ${jobId}) AS copies`
    await this.save({ ...job, copies: job.copies + count }, { ...job.counts, queued: job.counts.queued + count }, now)
  }

  async removeCopies(jobId: string, count: number, now: Date) {
    const job = await this.lockCounts(jobId)
    const removed = await this.tx.$executeRaw`
      DELETE FROM print_copy WHERE job_id = ${jobId} AND number IN (
        SELECT number FROM print_copy WHERE job_id = ${jobId} AND state = 'queued' AND attempts = 0
        ORDER BY number DESC LIMIT ${count}::int)`
    await this.save(
      { ...job, copies: job.copies - removed },
      { ...job.counts, queued: job.counts.queued - removed },
      now,
    )
    return removed
  }

  async names(actor: Actor, jobIds: string[]) {
    if (jobIds.length === 0) return new Map<string, string>()
    const where = { AND: [visibleJobs(actor), { id: { in: jobIds } }] }
    const rows = await this.tx.printJob.findMany({ where, select: { id: true, name: true } })
    return new Map(rows.map(({ id, name }) => [id, name]))
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

  private async queuePage(actor: Actor, query: PrintJobQuery): Promise<Page<PrintJob>> {
    const rows: Row[] = []
    for (const stretch of stretchesBehind(decodeQueueCursor(query.cursor))) {
      if (rows.length > query.limit) break
      const where = { AND: [...wanted(actor, query), stretch] }
      const take = query.limit + 1 - rows.length
      rows.push(
        ...(await this.tx.printJob.findMany({ where, include: WITH_HOLDS, orderBy: [...IN_QUEUE_ORDER], take })),
      )
    }
    const page = rows.slice(0, query.limit)
    const last = page.at(-1)
    const nextCursor = rows.length > query.limit && last !== undefined ? encodeQueueCursor(last) : null
    return { items: page.map(jobOf), nextCursor }
  }

  private async lockCounts(jobId: string): Promise<JobCounts> {
    const [row] = await this.tx.$queryRaw<CountedRow[]>`
      SELECT ${COUNTED} FROM print_job WHERE id = ${jobId} FOR UPDATE`
    if (row === undefined) throw new Error(`there is no print job ${jobId}`)
    return countedOf(row)
  }

  private async save(job: JobCounts, counts: JobCounts['counts'], now: Date): Promise<JobCounts> {
    const state: PrintJobState = jobStateOf(counts)
    await this.tx.printJob.update({
      where: { id: job.id },
      data: { copies: job.copies, ...columnsOf(counts), state, updatedAt: now, finishedAt: isOver(state) ? now : null },
    })
    return { ...job, counts, state }
  }
}
