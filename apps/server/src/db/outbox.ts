import type { DeliveryDeadlines, JobFailure, Outbox, OutboxDelivery, OverdueJob } from '../kernel/outbox.port.js'
import { newId } from '../kernel/ids.js'
import { JoinedCalls } from '../kernel/joined-calls.js'
import type { Prisma, PrismaClient } from './generated/client.js'

/** Marks the row done within the caller's transaction; a concurrent delivery waits for that transaction's end. */
export const finishInTransaction = async (tx: Prisma.TransactionClient, jobId: string): Promise<boolean> => {
  if (!jobId.startsWith('ob_')) return true
  const done = await tx.$executeRaw`
    update outbox set state = 'done', finished_at = now(), last_error = null, last_stack = null,
      deduplication_id = case when deduplicated_until > now() then deduplication_id end
    where id = ${jobId} and state in ('pending', 'relayed')`
  return done === 1
}

const MAX_ERROR_CHARS = 2_000
const MAX_STACK_CHARS = 8_000

const shortened = ({ error, stack }: JobFailure) => ({
  error: error.slice(0, MAX_ERROR_CHARS),
  stack: stack?.slice(0, MAX_STACK_CHARS) ?? null,
})

/** Rows of jobs that may still run. */
const readOpen = async (prisma: PrismaClient, ids: readonly string[]) => {
  const rows = await prisma.$queryRaw<{ id: string }[]>`
    select id from outbox where id = any(${[...ids]}) and state in ('pending', 'relayed')`
  const open = new Set(rows.map(({ id }) => id))
  return (id: string) => open.has(id)
}

/** Marks open rows done, save those that another transaction holds. @returns which are left */
const markFree = async (prisma: PrismaClient, ids: readonly string[]) => {
  const rows = await prisma.$queryRaw<{ id: string }[]>`
    with free as (
      select id from outbox where id = any(${[...ids]}) and state in ('pending', 'relayed') for update skip locked
    ), done as (
      update outbox o set state = 'done', finished_at = now(), last_error = null, last_stack = null,
        deduplication_id = case when deduplicated_until > now() then deduplication_id end
      from free where o.id = free.id
      returning o.id
    )
    select id from outbox
    where id = any(${[...ids]}) and state in ('pending', 'relayed') and id not in (select id from done)`
  const left = new Set(rows.map(({ id }) => id))
  return (id: string) => left.has(id)
}

/** The outbox table. While a row is relayed, `available_at` is the time at which its delivery is overdue. */
export class PrismaOutbox implements Outbox {
  /** Jobs that begin or end at the same time are read and marked together. */
  private readonly opens: JoinedCalls<boolean>
  private readonly marks: JoinedCalls<boolean>

  constructor(private readonly prisma: PrismaClient) {
    this.opens = new JoinedCalls((ids) => readOpen(prisma, ids))
    this.marks = new JoinedCalls((ids) => markFree(prisma, ids))
  }

  claimDue(deadlines: DeliveryDeadlines, limit: number): Promise<OutboxDelivery[]> {
    return this.prisma.$queryRaw`
      with due as (
        select o.id, (d.value::text)::int as deadline_ms, extract(epoch from now() - o.available_at) * 1000 as waited_ms
        from outbox o join jsonb_each(${JSON.stringify(deadlines)}::jsonb) d on d.key = o.type
        where o.state = 'pending' and o.available_at <= now()
        order by o.available_at, o.id limit ${limit}
        for update of o skip locked
      )
      update outbox o set state = 'relayed', relay_count = relay_count + 1, relayed_at = now(),
        available_at = now() + make_interval(secs => due.deadline_ms / 1000.0)
      from due where o.id = due.id
      returning o.id, o.type, o.version, o.payload, o.relay_count as delivery, o.priority, o.attempts, o.backoff,
        o.origin, due.waited_ms::float8 as "waitedMs"`
  }

  claimOverdue(deadlines: DeliveryDeadlines, limit: number): Promise<OverdueJob[]> {
    return this.prisma.$queryRaw`
      with overdue as (
        select o.id, (d.value::text)::int as deadline_ms
        from outbox o join jsonb_each(${JSON.stringify(deadlines)}::jsonb) d on d.key = o.type
        where o.state = 'relayed' and o.available_at <= now()
        order by o.available_at, o.id limit ${limit}
        for update of o skip locked
      )
      update outbox o set available_at = now() + make_interval(secs => overdue.deadline_ms / 1000.0)
      from overdue where o.id = overdue.id
      returning o.id, o.type, o.relay_count as delivery, o.attempts`
  }

  async putBack(
    ids: readonly string[],
    { delayMs, counted, failure }: { delayMs: number; counted: boolean; failure?: JobFailure },
  ): Promise<void> {
    const { error, stack } = failure === undefined ? { error: null, stack: null } : shortened(failure)
    await this.prisma.$executeRaw`
      update outbox set state = 'pending', available_at = now() + make_interval(secs => ${delayMs} / 1000.0),
        relay_count = relay_count - ${counted ? 0 : 1}::int,
        last_error = coalesce(${error}, last_error), last_stack = coalesce(${stack}, last_stack)
      where id = any(${[...ids]}) and state = 'relayed'`
  }

  isOpen(id: string): Promise<boolean> {
    return this.opens.ask(id)
  }

  async markDone(id: string): Promise<void> {
    // A row that a handler's transaction holds is waited for, and keeps nobody else waiting.
    if (await this.marks.ask(id)) await finishInTransaction(this.prisma, id)
  }

  async markDead(id: string, failure: JobFailure): Promise<void> {
    const { error, stack } = shortened(failure)
    await this.prisma.$executeRaw`
      update outbox set state = 'dead', finished_at = now(), last_error = ${error}, last_stack = ${stack},
        deduplication_id = case when deduplicated_until > now() then deduplication_id end
      where id = ${id} and state in ('pending', 'relayed')`
  }

  async recordDead(
    job: { type: string; version: number; payload: unknown; attempts: number },
    failure: JobFailure,
  ): Promise<void> {
    const { error, stack } = shortened(failure)
    await this.prisma.$executeRaw`
      insert into outbox (id, type, version, payload, state, relay_count, finished_at, last_error, last_stack)
      values (${newId('outbox')}, ${job.type}, ${job.version}, ${JSON.stringify(job.payload ?? null)}::jsonb, 'dead',
        ${job.attempts}, now(), ${error}, ${stack})`
  }

  /** Removes finished rows: done ones after `doneDays`, dead ones after `deadDays`. @returns how many */
  removeFinished(options: { doneDays: number; deadDays: number }): Promise<number> {
    return this.prisma.$executeRaw`
      delete from outbox
      where (state = 'done' and finished_at < now() - make_interval(days => ${options.doneDays}::int))
         or (state = 'dead' and finished_at < now() - make_interval(days => ${options.deadDays}::int))`
  }
}

export const createOutbox = (prisma: PrismaClient) => new PrismaOutbox(prisma)
