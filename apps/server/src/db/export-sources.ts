import type { RowsOf } from '../modules/exports/exports.ports.js'
import { Prisma } from './generated/client.js'

/** Where the rows of an exported table come from. */
export interface ExportSource {
  /** Name in the export → expression. Whoever adds one asks whether it is a secret. */
  columns: Readonly<Record<string, Prisma.Sql>>
  from: Prisma.Sql
  where: Prisma.Sql
  /** Unique among the rows; they come in its order. */
  key: Prisma.Sql
  keyType: 'text' | 'bigint'
}

const { sql, raw } = Prisma

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** Columns of a table under their own names; a cast stands behind a colon: `state:text`. */
const columnsOf = (alias: string, names: string): Record<string, Prisma.Sql> =>
  Object.fromEntries(
    names.split(' ').map((text) => {
      const [name = '', type] = text.split(':')
      return [name, raw(`${alias}."${snake(name)}"${type === undefined ? '' : `::${type}`}`)]
    }),
  )

const source = (
  alias: string,
  columns: ExportSource['columns'],
  from: Prisma.Sql,
  where: Prisma.Sql,
): ExportSource => ({
  ...{ columns, from, where, key: raw(`${alias}.id`), keyType: 'text' },
})

const ALL = sql`true`

const jobs = (where: Prisma.Sql): ExportSource =>
  source(
    'j',
    columnsOf(
      'j',
      'id name fileVersionId projectId partId copies priority requirements state:text queuedCopies activeCopies ' +
        'doneCopies failedCopies cancelledCopies heldCopies createdById createdAt updatedAt finishedAt',
    ),
    sql`print_job j`,
    where,
  )

const attempts = (where: Prisma.Sql): ExportSource =>
  source(
    'a',
    columnsOf(
      'a',
      'id jobId copyNumber printerId state:text reasonCode reasonParams progress printSeconds filamentUsedMm ' +
        'filamentUsedGrams claimedAt uploadedAt startedAt endedAt',
    ),
    sql`attempt a JOIN print_job j ON j.id = a.job_id`,
    where,
  )

/** Attempts by the day on which they ended. */
const analytics = (where: Prisma.Sql, timeZone: string): ExportSource => ({
  columns: columnsOf('d', 'day completed failed cancelled revoked printSeconds filamentUsedMm filamentUsedGrams'),
  from: sql`(
    SELECT to_char(a.ended_at AT TIME ZONE ${timeZone}, 'YYYY-MM-DD') AS day,
      count(*) FILTER (WHERE a.state = 'completed')::int AS completed,
      count(*) FILTER (WHERE a.state = 'failed')::int AS failed,
      count(*) FILTER (WHERE a.state = 'cancelled')::int AS cancelled,
      count(*) FILTER (WHERE a.state = 'revoked')::int AS revoked,
      coalesce(sum(a.print_seconds), 0) AS print_seconds,
      coalesce(sum(a.filament_used_mm), 0) AS filament_used_mm,
      coalesce(sum(a.filament_used_grams), 0) AS filament_used_grams
    FROM attempt a JOIN print_job j ON j.id = a.job_id WHERE a.ended_at IS NOT NULL AND ${where} GROUP BY 1) d`,
  where: ALL,
  key: sql`d.day`,
  keyType: 'text',
})

/** Where it is the user's own, with that of their keys, what was changed is left out: they may see less of it by now. */
const audit = (of: RowsOf): ExportSource => ({
  columns: columnsOf(
    'e',
    'seq:float8 at actorKind actorId actorName ip userAgent requestId action outcome errorCode times targetType targetId' +
      (of === 'farm' ? ' events changes omitted hash keyId seal' : ''),
  ),
  from: sql`audit_entry e`,
  where:
    of === 'farm'
      ? ALL
      : sql`(e.actor_id = ${of.userId} OR e.actor_id IN (SELECT k.id FROM api_key k WHERE k.user_id = ${of.userId}))`,
  key: sql`e.seq`,
  keyType: 'bigint',
})

const PROJECT_COLUMNS = columnsOf('p', 'id name status:text dueAt createdById createdAt updatedAt removedAt')

const ofFarm = (timeZone: string): Record<string, ExportSource> => ({
  projects: source('p', PROJECT_COLUMNS, sql`project p`, ALL),
  jobs: jobs(ALL),
  attempts: attempts(ALL),
  analytics: analytics(ALL, timeZone),
  audit: audit('farm'),
})

const ofUser = ({ userId, projects }: Exclude<RowsOf, 'farm'>, timeZone: string): Record<string, ExportSource> => {
  const within = (column: string) => (projects === 'all' ? ALL : sql`${raw(column)} = ANY(${[...projects]})`)
  const submitted = sql`j.created_by_id = ${userId} AND (j.project_id IS NULL OR ${within('j.project_id')})`
  return {
    profile: source(
      'u',
      columnsOf('u', 'id email displayName role:text analyticsOptOut disabledAt createdAt updatedAt'),
      sql`app_user u`,
      sql`u.id = ${userId}`,
    ),
    sessions: source(
      's',
      columnsOf('s', 'id userAgent ip createdAt lastUsedAt expiresAt revokedAt revokedReason'),
      sql`session s`,
      sql`s.user_id = ${userId}`,
    ),
    apiKeys: source(
      'k',
      columnsOf('k', 'id name scopes printerGroupIds projectIds expiresAt lastUsedAt revokedAt createdAt'),
      sql`api_key k`,
      sql`k.user_id = ${userId}`,
    ),
    projects: source(
      'p',
      { ...PROJECT_COLUMNS, ...columnsOf('m', 'role:text') },
      sql`project p JOIN project_member m ON m.project_id = p.id`,
      sql`m.user_id = ${userId} AND ${within('m.project_id')}`,
    ),
    jobs: jobs(submitted),
    attempts: attempts(submitted),
    files: source(
      'v',
      { ...columnsOf('v', 'id fileId number'), ...columnsOf('f', 'name removedAt'), ...FILE_COLUMNS },
      sql`file_version v JOIN print_file f ON f.id = v.file_id`,
      sql`v.created_by_id = ${userId}`,
    ),
    commands: source(
      'c',
      columnsOf('c', 'id printerId kind attemptId state:text errorCode createdAt finishedAt'),
      sql`printer_command c`,
      sql`c.created_by_id = ${userId}`,
    ),
    events: {
      columns: columnsOf('e', 'seq:text type subjectType subjectId projectId payload createdAt'),
      from: sql`event e`,
      where: sql`e.actor_id = ${userId}`,
      key: sql`e.seq`,
      keyType: 'bigint',
    },
    activity: {
      columns: columnsOf('d', 'day event count'),
      from: sql`user_activity_day d`,
      where: sql`d.user_id = ${userId}`,
      key: sql`(d.day || ' ' || d.event)`,
      keyType: 'text',
    },
    analytics: analytics(submitted, timeZone),
    audit: audit({ userId, projects }),
  }
}

const FILE_COLUMNS = columnsOf('v', 'sha256 sizeBytes:float8 format metadata createdAt')

export const exportSources = (of: RowsOf, timeZone: string): Record<string, ExportSource> =>
  of === 'farm' ? ofFarm(timeZone) : ofUser(of, timeZone)
