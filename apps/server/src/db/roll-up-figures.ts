import type { Figure } from '../modules/statistics/statistics.ports.js'
import { Prisma } from './generated/client.js'

/**
 * How the rows of a figure are made out of its sources, over a table `period (unit, period, begins, ends)`. Each
 * statement selects exactly the columns of its table.
 */
export const FIGURE_TABLES: Readonly<Record<Figure, string>> = {
  prints: 'statistics_print',
  printers: 'statistics_printer_state',
  filament: 'statistics_filament',
  api: 'statistics_api',
}

/** Attempts count when they start and when they end. Both times are the database's, written as they happen. */
const prints = (): Prisma.Sql => Prisma.sql`
  SELECT f.unit, f.period, f.begins, f.printer_id, coalesce(j.project_id, ''),
    count(*) FILTER (WHERE f.what = 'started'), count(*) FILTER (WHERE f.what = 'completed'),
    count(*) FILTER (WHERE f.what = 'failed'), count(*) FILTER (WHERE f.what = 'cancelled'),
    count(*) FILTER (WHERE f.what = 'revoked'),
    coalesce(sum(f.print_seconds) FILTER (WHERE f.what <> 'revoked'), 0)
  FROM (
    SELECT p.unit, p.period, p.begins, a.printer_id, a.job_id, 'started' AS what, 0 AS print_seconds
    FROM period p JOIN attempt a ON a.started_at >= p.begins AND a.started_at < p.ends
    UNION ALL
    SELECT p.unit, p.period, p.begins, a.printer_id, a.job_id, a.state::text, a.print_seconds
    FROM period p JOIN attempt a ON a.ended_at >= p.begins AND a.ended_at < p.ends
  ) f JOIN print_job j ON j.id = f.job_id
  GROUP BY 1, 2, 3, 4, 5`

/** A span without an end goes on as long as somebody drives the printer. */
const printers = (now: Date): Prisma.Sql => Prisma.sql`
  SELECT p.unit, p.period, p.begins, s.printer_id, s.state,
    sum(extract(epoch FROM least(p.ends, s.ends) - greatest(p.begins, s.since)))
  FROM period p JOIN (
    SELECT s.printer_id, s.state, s.since, coalesce(s.until, least(${now}, coalesce(r.lease_until, s.since))) AS ends
    FROM printer_state_span s LEFT JOIN printer_runtime r ON r.printer_id = s.printer_id
    WHERE s.since < (SELECT max(ends) FROM period)
      AND (s.until IS NULL OR s.until > (SELECT min(begins) FROM period))
  ) s ON s.since < p.ends AND s.ends > p.begins
  GROUP BY 1, 2, 3, 4, 5`

/** What was used is divided between the materials of the file as its slicer divided it. */
const filament = (): Prisma.Sql => Prisma.sql`
  SELECT p.unit, p.period, p.begins, a.printer_id, coalesce(j.project_id, ''), coalesce(m.material, ''),
    sum(a.filament_used_mm * coalesce(m.length_share, 1)),
    sum(coalesce(a.filament_used_grams, 0) * coalesce(m.weight_share, m.length_share, 1))
  FROM period p JOIN attempt a ON a.ended_at >= p.begins AND a.ended_at < p.ends
    JOIN print_job j ON j.id = a.job_id JOIN file_version v ON v.id = j.file_version_id
    LEFT JOIN LATERAL (
      SELECT coalesce(f.material, '') AS material,
        sum(f."lengthMm") / sum(sum(f."lengthMm")) OVER () AS length_share,
        sum(f."weightGrams") / nullif(sum(sum(f."weightGrams")) OVER (), 0) AS weight_share
      FROM jsonb_to_recordset(
        CASE jsonb_typeof(v.metadata->'filaments') WHEN 'array' THEN v.metadata->'filaments' ELSE '[]' END
      ) AS f (material text, "lengthMm" float8, "weightGrams" float8)
      WHERE f."lengthMm" > 0 GROUP BY 1
    ) m ON true
  WHERE a.filament_used_mm > 0 AND a.state <> 'revoked'
  GROUP BY 1, 2, 3, 4, 5, 6`

const api = (): Prisma.Sql => Prisma.sql`
  SELECT p.unit, p.period, p.begins, m.procedure, sum(m.calls), sum(m.errors)
  FROM period p JOIN api_minute m ON m.minute >= p.begins AND m.minute < p.ends
  GROUP BY 1, 2, 3, 4`

export const FIGURE_ROWS: Readonly<Record<Figure, (now: Date) => Prisma.Sql>> = { prints, printers, filament, api }

const ATTEMPTS_BEGIN = Prisma.sql`SELECT least(min(started_at), min(ended_at)) AS at FROM attempt`

/** When the first fact was. */
export const FIRST_FACTS: Readonly<Record<Figure, Prisma.Sql>> = {
  prints: ATTEMPTS_BEGIN,
  printers: Prisma.sql`SELECT min(since) AS at FROM printer_state_span`,
  filament: ATTEMPTS_BEGIN,
  api: Prisma.sql`SELECT min(minute) AS at FROM api_minute`,
}
