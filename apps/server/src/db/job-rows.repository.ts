import type {
  JobRow,
  JobRowCounts,
  JobRowQuery,
  JobRowRepository,
  JobRunMinute,
  RunWindows,
} from '../modules/jobs/jobs.ports.js'
import { Prisma } from './generated/client.js'
import { decodeCursor, toPage, type Keyset } from './keyset.js'

const COLUMNS = Prisma.sql`o.id, o.type, o.version, o.payload, o.state::text as state, o.relay_count as "relayCount",
  o.available_at as "availableAt", o.relayed_at as "relayedAt", o.finished_at as "finishedAt",
  o.created_at as "createdAt", o.last_error as "lastError", o.last_stack as "lastStack", o.priority, o.attempts,
  o.deduplication_id as "deduplicationId"`

const WAITING = {
  waiting: [
    Prisma.sql`o.state = 'pending' and o.available_at <= now()`,
    // Rows that were handed to the queue have their deadline there, which lies in the order of the handing over.
    Prisma.sql`o.state = 'relayed'`,
  ],
  delayed: [Prisma.sql`o.state = 'pending' and o.available_at > now()`],
}
const FINISHED = { failed: Prisma.sql`o.state = 'dead'`, completed: Prisma.sql`o.state = 'done'` }

/** A retried job is as one that has just been ordered. */
const FRESH = Prisma.sql`state = 'pending', relay_count = 0, available_at = now(), relayed_at = null, finished_at = null,
  last_error = null, last_stack = null`

export class PrismaJobRowRepository implements JobRowRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  /** One range of an index for each number: a filter over all rows takes several times as long. */
  counts(types: readonly string[]): Promise<JobRowCounts[]> {
    return this.tx.$queryRaw`
      with dead as (select type, count(*)::int as n from outbox where state = 'dead' group by type)
      select k.type, due.n as due, delayed.n as delayed, k.dead, (
          select o.available_at from outbox o
          where o.type = k.type and o.state = 'pending' and o.available_at <= now()
          order by o.available_at limit 1) as "oldestDueAt"
      from (
        select coalesce(known.type, dead.type) as type, coalesce(dead.n, 0) as dead
        from unnest(${[...types]}::text[]) as known (type) full join dead on dead.type = known.type
      ) k
        cross join lateral (
          select count(*)::int as n from outbox o
          where o.type = k.type and o.state = 'pending' and o.available_at <= now()) due
        cross join lateral (
          select count(*)::int as n from outbox o
          where o.type = k.type and o.state = 'pending' and o.available_at > now()) delayed`
  }

  async relayed(types: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.tx.$queryRaw<{ type: string; count: number }[]>`
      select type, count(*)::int as count from outbox
      where type = any(${[...types]}) and state = 'relayed' group by type`
    return new Map(rows.map(({ type, count }) => [type, count]))
  }

  async oldestDueSeconds() {
    const [row] = await this.tx.$queryRaw<{ seconds: number | null }[]>`
      select extract(epoch from now() - min(available_at))::float8 as seconds from outbox
      where state = 'pending' and available_at <= now()`
    return row?.seconds ?? null
  }

  async runs({ minutes, measured, completedHours }: RunWindows) {
    const ago = Prisma.sql`(extract(epoch from date_trunc('minute', now()) - minute) / 60)::int`
    const since = Prisma.sql`date_trunc('minute', now()) - make_interval(mins => ${minutes - 1}::int)`
    const measuredSince = Prisma.sql`date_trunc('minute', now()) - make_interval(mins => ${measured - 1}::int)`
    const [perMinute, completed] = await Promise.all([
      this.tx.$queryRaw<JobRunMinute[]>`
        select queue, ${ago} as "minutesAgo", completed + failed + dead as runs,
          case when minute >= ${measuredSince} then waited else '{}' end as waited,
          case when minute >= ${measuredSince} then took else '{}' end as took
        from job_minute where minute >= ${since}`,
      this.tx.$queryRaw<{ queue: string; count: number }[]>`
        select queue, sum(completed)::int as count from job_minute
        where minute > now() - make_interval(hours => ${completedHours}::int) group by queue`,
    ])
    return { minutes: perMinute, completed }
  }

  async list({ state, types, except, limit, cursor }: JobRowQuery) {
    const key = decodeCursor(cursor)
    const rows =
      state === 'waiting' || state === 'delayed'
        ? await this.waiting(WAITING[state], types ?? [], except, key, limit + 1)
        : await this.finished(FINISHED[state], types, key, limit + 1)
    const at = (row: JobRow) =>
      state === 'waiting' || state === 'delayed' ? row.availableAt : (row.finishedAt ?? row.createdAt)
    return toPage(
      rows,
      limit,
      (row) => ({ at: at(row), id: row.id }),
      (row) => row,
    )
  }

  async get(id: string): Promise<JobRow | null> {
    const [row] = await this.byIds([id])
    return row ?? null
  }

  byIds(ids: readonly string[]): Promise<JobRow[]> {
    return this.tx.$queryRaw<JobRow[]>`select ${COLUMNS} from outbox o where o.id = any(${[...ids]})`
  }

  retry(ids: readonly string[]): Promise<number> {
    return this.tx.$executeRaw`update outbox set ${FRESH} where id = any(${[...ids]}) and state = 'dead'`
  }

  async remove(id: string, state: JobRow['state']): Promise<boolean> {
    return (await this.tx.$executeRaw`delete from outbox where id = ${id} and state::text = ${state}`) === 1
  }

  retryDead(type: string, before: Date, limit: number): Promise<number> {
    return this.tx.$executeRaw`
      update outbox set ${FRESH} where id in (${oldest(FINISHED.failed, type, before, limit)})`
  }

  removeDead(type: string, before: Date, limit: number): Promise<number> {
    return this.tx.$executeRaw`delete from outbox where id in (${oldest(FINISHED.failed, type, before, limit)})`
  }

  removeDone(type: string, before: Date, limit: number): Promise<number> {
    return this.tx.$executeRaw`delete from outbox where id in (${oldest(FINISHED.completed, type, before, limit)})`
  }

  /** The first of each type and state, each from its place in the index, and of those the first. */
  private waiting(
    states: readonly Prisma.Sql[],
    types: readonly string[],
    except: readonly string[],
    key: Keyset | null,
    limit: number,
  ): Promise<JobRow[]> {
    const after = key === null ? Prisma.sql`true` : Prisma.sql`(o.available_at, o.id) > (${key.at}, ${key.id})`
    const branches = states.map(
      (state) => Prisma.sql`(
        select ${COLUMNS} from outbox o
        where o.type = t.type and ${state} and ${after} and o.id <> all(${[...except]})
        order by o.available_at, o.id limit ${limit})`,
    )
    return this.tx.$queryRaw<JobRow[]>`
      select o.* from unnest(${[...types]}::text[]) as t (type)
        cross join lateral (${Prisma.join(branches, ' union all ')}) o
      order by o."availableAt", o.id limit ${limit}`
  }

  private finished(
    state: Prisma.Sql,
    types: readonly string[] | null,
    key: Keyset | null,
    limit: number,
  ): Promise<JobRow[]> {
    const before = key === null ? Prisma.sql`true` : Prisma.sql`(o.finished_at, o.id) < (${key.at}, ${key.id})`
    const page = (ofType: Prisma.Sql) => Prisma.sql`
      select ${COLUMNS} from outbox o where ${state} and ${ofType} and ${before}
      order by o.finished_at desc, o.id desc limit ${limit}`
    if (types === null) return this.tx.$queryRaw<JobRow[]>`${page(Prisma.sql`true`)}`
    return this.tx.$queryRaw<JobRow[]>`
      select o.* from unnest(${[...types]}::text[]) as t (type)
        cross join lateral (${page(Prisma.sql`o.type = t.type`)}) o
      order by o."finishedAt" desc, o.id desc limit ${limit}`
  }
}

/** Two admins who clear the same jobs take different ones. */
const oldest = (state: Prisma.Sql, type: string, before: Date, limit: number): Prisma.Sql => Prisma.sql`
  select o.id from outbox o where o.type = ${type} and ${state} and o.finished_at <= ${before}
  order by o.finished_at, o.id limit ${limit} for update skip locked`
