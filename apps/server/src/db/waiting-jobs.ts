import type { QueueKey, QueuePlace, WaitingJob, WaitingKind } from '../modules/print-jobs/print-jobs.ports.js'
import { Prisma } from './generated/client.js'

/** What a job asks, as a number: the first column of the index `print_job_waiting_by_kind`. */
const KIND = Prisma.sql`jsonb_hash_extended(requirements, 0)`

const stretch = (which: Prisma.Sql, limit: number): Prisma.Sql => Prisma.sql`
  (SELECT id, priority, created_at, requirements, queued_copies FROM print_job
   WHERE queued_copies > 0 AND ${which} ORDER BY priority DESC, created_at, id LIMIT ${limit})`

/** In two stretches, each of which an index gives in its order: no single condition on three columns would be. */
const behind = (after: QueueKey, which: Prisma.Sql, limit: number): Prisma.Sql => {
  const later = Prisma.sql`priority = ${after.priority} AND (created_at, id) > (${after.createdAt}, ${after.id})`
  const lower = Prisma.sql`priority < ${after.priority}`
  return Prisma.sql`${stretch(Prisma.sql`${which} AND ${later}`, limit)} UNION ALL ${stretch(Prisma.sql`${which} AND ${lower}`, limit)}`
}

const pageOf = ({ after, limit }: QueuePlace, which: Prisma.Sql): Prisma.Sql =>
  after === null ? stretch(which, limit) : behind(after, which, limit)

/** Jobs with queued copies, in the order in which they are given to printers. */
export const readWaiting = (tx: Prisma.TransactionClient, place: QueuePlace): Promise<WaitingJob[]> => {
  const jobs =
    place.kinds === null
      ? Prisma.sql`(${pageOf(place, Prisma.sql`true`)}) AS job`
      : // Each kind by itself is in order in its index, whatever else stands in the queue.
        Prisma.sql`unnest(${place.kinds}::bigint[]) AS kind (key)
          CROSS JOIN LATERAL (${pageOf(place, Prisma.sql`${KIND} = kind.key`)}) AS job`
  return tx.$queryRaw<WaitingJob[]>`
    SELECT job.id, job.priority, job.created_at AS "createdAt", job.requirements, job.queued_copies AS "queuedCopies", (
        SELECT coalesce(jsonb_agg(jsonb_build_object('onlyPrinterId', only_printer_id, 'notPrinterId', not_printer_id)), '[]')
        FROM print_copy WHERE job_id = job.id AND state = 'queued'
          AND (only_printer_id IS NOT NULL OR not_printer_id IS NOT NULL)) AS bindings
    FROM ${jobs} ORDER BY job.priority DESC, job.created_at, job.id LIMIT ${place.limit}`
}

/** Jumps through the index from one kind to the next, so that it costs by kinds and not by jobs. */
export const readWaitingKinds = (tx: Prisma.TransactionClient): Promise<WaitingKind[]> => {
  const next = (which: Prisma.Sql) => Prisma.sql`
    (SELECT ${KIND} AS key, requirements FROM print_job WHERE queued_copies > 0 AND ${which} ORDER BY ${KIND} LIMIT 1)`
  return tx.$queryRaw<WaitingKind[]>`
    WITH RECURSIVE kind AS (
      ${next(Prisma.sql`true`)}
      UNION ALL SELECT following.* FROM kind CROSS JOIN LATERAL ${next(Prisma.sql`${KIND} > kind.key`)} AS following
    ) SELECT key::text AS key, requirements FROM kind`
}
