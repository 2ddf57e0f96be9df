import type { ErrorCode, ExportFormat, ExportKind, ExportScope } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type {
  ExportRecord,
  ExportRepository,
  ExportRun,
  FinishedExport,
  NewExport,
} from '../modules/exports/exports.ports.js'
import type { Prisma } from './generated/client.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'

type Row = Prisma.DataExportGetPayload<object>

const recordOf = (row: Row): ExportRecord => ({
  ...{ id: row.id, createdById: row.createdById, jobId: row.jobId, state: row.state, storedName: row.storedName },
  kind: row.kind as ExportKind,
  scope: row.scope as ExportScope,
  format: row.format as ExportFormat,
  errorCode: row.errorCode as ErrorCode | null,
  sizeBytes: row.sizeBytes === null ? null : Number(row.sizeBytes),
  ...{ rowsTotal: row.rowsTotal, rowsWritten: row.rowsWritten, expiresAt: row.expiresAt },
  ...{ createdAt: row.createdAt, startedAt: row.startedAt, finishedAt: row.finishedAt },
})

const ownedBy = ({ id }: Actor) => ({ createdById: id, removedAt: null })

const written = ({ exportId, id }: ExportRun) =>
  ({ id: exportId, runId: id, state: 'running', removedAt: null }) satisfies Prisma.DataExportWhereInput

export class PrismaExportRepository implements ExportRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async list(actor: Actor, { limit, cursor }: { limit: number; cursor: string | null }) {
    const rows = await this.tx.dataExport.findMany({
      where: { AND: [ownedBy(actor), olderThan(decodeCursor(cursor))] },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }), recordOf)
  }

  async get(actor: Actor, exportId: string) {
    const row = await this.tx.dataExport.findFirst({ where: { AND: [ownedBy(actor), { id: exportId }] } })
    return row === null ? null : recordOf(row)
  }

  async lockOwned(userId: string) {
    await this.tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`exports ${userId}`}, 0))`
    const [counts] = await this.tx.$queryRaw<{ open: number; ready: number }[]>`
      SELECT count(*) FILTER (WHERE state IN ('queued', 'running'))::int AS open,
        count(*) FILTER (WHERE state = 'ready')::int AS ready
      FROM data_export WHERE created_by_id = ${userId} AND removed_at IS NULL`
    return counts ?? { open: 0, ready: 0 }
  }

  async create(row: NewExport) {
    await this.tx.dataExport.createMany({ data: [row], skipDuplicates: true })
  }

  async remove(actor: Actor, exportId: string, now: Date) {
    const [removed] = await this.tx.dataExport.updateManyAndReturn({
      where: { AND: [ownedBy(actor), { id: exportId }] },
      data: { removedAt: now },
      select: { storedName: true },
    })
    return removed ?? null
  }

  async findReady(exportId: string) {
    const [found] = await this.tx.$queryRaw<{ id: string }[]>`
      SELECT e.id FROM data_export e
      WHERE e.id = ${exportId} AND e.state = 'ready' AND e.removed_at IS NULL AND e.expires_at > now() AND NOT EXISTS (
        SELECT 1 FROM user_scope s
        WHERE s.user_id = e.created_by_id AND NOT s.all_projects AND s.updated_at >= e.started_at)`
    if (found === undefined) return null
    const row = await this.tx.dataExport.findUnique({ where: { id: exportId } })
    return row === null ? null : recordOf(row)
  }

  async begin({ exportId, id }: ExportRun, silentMs: number) {
    const begun = await this.tx.$executeRaw`
      UPDATE data_export SET state = 'running', run_id = ${id}, heard_at = now(), rows_written = 0, rows_total = 0,
        error_code = NULL, finished_at = NULL, started_at = coalesce(started_at, now())
      WHERE id = ${exportId} AND removed_at IS NULL AND (state IN ('queued', 'failed')
        OR (state = 'running' AND heard_at < now() - make_interval(secs => ${silentMs} / 1000.0)))`
    const row = await this.tx.dataExport.findUnique({ where: { id: exportId } })
    if (row === null || row.removedAt !== null) return 'over'
    if (begun === 1) return recordOf(row)
    return row.state === 'running' ? 'busy' : 'over'
  }

  async report(run: ExportRun, { total, written: rows }: { total: number; written: number }) {
    const told = await this.tx.$executeRaw`
      UPDATE data_export SET heard_at = now(), rows_total = ${total}, rows_written = ${rows}
      WHERE id = ${run.exportId} AND run_id = ${run.id} AND state = 'running' AND removed_at IS NULL`
    return told === 1
  }

  async exists(exportId: string) {
    return (await this.tx.dataExport.count({ where: { id: exportId, removedAt: null } })) === 1
  }

  async release(run: ExportRun) {
    await this.tx.dataExport.updateMany({ where: written(run), data: { state: 'queued', runId: null } })
  }

  async finish(run: ExportRun, { rowsWritten, ...file }: FinishedExport, now: Date) {
    const { count } = await this.tx.dataExport.updateMany({
      where: written(run),
      data: { ...file, state: 'ready', finishedAt: now, rowsWritten, rowsTotal: rowsWritten },
    })
    return count === 1
  }

  async fail(exportId: string, code: ErrorCode, now: Date) {
    const { count } = await this.tx.dataExport.updateMany({
      where: { id: exportId, removedAt: null, state: { in: ['queued', 'running'] } },
      data: { state: 'failed', errorCode: code, finishedAt: now, runId: null },
    })
    return count === 1
  }

  /** Jobs outside the outbox leave no trace; what was silent for two hours has none that runs. */
  async abandoned(limit: number) {
    return this.tx.$queryRaw<{ id: string; createdById: string }[]>`
      SELECT e.id, e.created_by_id AS "createdById" FROM data_export e
      WHERE e.state IN ('queued', 'running') AND e.removed_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM outbox o WHERE o.id = e.job_id AND o.state IN ('pending', 'relayed'))
        AND (e.job_id LIKE 'ob\\_%' OR coalesce(e.heard_at, e.created_at) < now() - interval '2 hours')
      ORDER BY e.id LIMIT ${limit} FOR UPDATE OF e SKIP LOCKED`
  }

  async expire(limit: number) {
    const expired = await this.tx.$queryRaw<{ name: string }[]>`
      WITH due AS (
        SELECT id, stored_name FROM data_export
        WHERE stored_name IS NOT NULL AND (expires_at <= now() OR removed_at IS NOT NULL)
        ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      UPDATE data_export e SET state = 'expired', stored_name = NULL FROM due WHERE e.id = due.id
      RETURNING due.stored_name AS name`
    return expired.map(({ name }) => name)
  }

  async stored(names: readonly string[]) {
    const rows = await this.tx.$queryRaw<{ name: string }[]>`
      SELECT stored_name AS name FROM data_export WHERE stored_name = ANY(${[...names]})`
    return rows.map(({ name }) => name)
  }

  async forget(days: number, limit: number) {
    return this.tx.$executeRaw`
      DELETE FROM data_export WHERE id IN (
        SELECT id FROM data_export WHERE stored_name IS NULL
          AND greatest(finished_at, expires_at, removed_at) < now() - make_interval(days => ${days}::int)
          AND (state IN ('failed', 'expired') OR removed_at IS NOT NULL)
        LIMIT ${limit} FOR UPDATE SKIP LOCKED)`
  }
}
