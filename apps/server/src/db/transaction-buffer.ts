import { SYSTEM_ACTOR } from '../kernel/actor.js'
import type { CommitHook, Committed } from '../kernel/commit-hook.port.js'
import { origin } from '../kernel/correlation.js'
import type { NewEvent } from '../kernel/events.js'
import { newId } from '../kernel/ids.js'
import { checkedJobOptions } from '../kernel/job-options.js'
import type { JobDefinition, JobOptions, JobOrders, JobPayload } from '../kernel/jobs.js'
import type { Prisma } from './generated/client.js'

/** The events and jobs of one transaction, kept until its end and then written at one go. */
export class TransactionBuffer implements JobOrders {
  readonly recorded: NewEvent[] = []
  private readonly events: object[] = []
  private readonly jobs: object[] = []
  private timedDeduplication = false
  private readonly actorIds = new Set<string>()

  record(event: NewEvent, actorId: string): void {
    this.recorded.push(event)
    if (actorId !== SYSTEM_ACTOR.id) this.actorIds.add(actorId)
    this.events.push({
      type: event.type,
      subject_type: event.subjectType,
      subject_id: event.subjectId,
      actor_id: actorId,
      printer_group_id: event.printerGroupId ?? null,
      project_id: event.projectId ?? null,
      payload: event.payload,
    })
  }

  add<D extends JobDefinition>(definition: D, payload: JobPayload<D>, options: JobOptions = {}): string {
    const { priority, delay = 0, attempts, backoff, deduplication } = checkedJobOptions(options)
    const id = newId('outbox')
    // Parsed here too: an order that no handler could read must fail its orderer, not turn up among the dead.
    const parsed = definition.payload.parse(payload)
    this.timedDeduplication ||= deduplication?.ttl !== undefined
    this.jobs.push({
      ...{ id, type: definition.type, version: definition.version, payload: parsed },
      ...{ priority, delay_ms: delay, attempts, backoff, origin: origin() },
      ...{ deduplication_id: deduplication?.id, deduplication_ms: deduplication?.ttl },
    })
    return id
  }

  /** Writes everything with the notice to the other processes, in one statement. */
  async flush(tx: Prisma.TransactionClient, hook: CommitHook): Promise<Committed | null> {
    if (this.events.length === 0 && this.jobs.length === 0) return null
    if (this.timedDeduplication) await releaseDeduplications(tx)
    const committed = { events: this.events.length > 0, jobs: this.jobs.length > 0, actorIds: [...this.actorIds] }
    await tx.$executeRaw`
      with stored as (
        insert into event (type, subject_type, subject_id, actor_id, printer_group_id, project_id, payload)
        select type, subject_type, subject_id, actor_id, printer_group_id, project_id, payload
        from rows from (
          jsonb_to_recordset(${JSON.stringify(this.events)}::jsonb) as (
            type text, subject_type text, subject_id text, actor_id text, printer_group_id text, project_id text,
            payload jsonb)
        ) with ordinality as t (
          type, subject_type, subject_id, actor_id, printer_group_id, project_id, payload, position)
        order by position
      ), ordered as (
        insert into outbox (id, type, version, payload, priority, available_at, attempts, backoff,
          deduplication_id, deduplicated_until, origin)
        select id, type, version, payload, priority, now() + make_interval(secs => delay_ms / 1000.0), attempts, backoff,
          deduplication_id, now() + make_interval(secs => deduplication_ms / 1000.0), origin
        from jsonb_to_recordset(${JSON.stringify(this.jobs)}::jsonb) as t (
          id text, type text, version int, payload jsonb, priority int, delay_ms float8, attempts int, backoff jsonb,
          deduplication_id text, deduplication_ms float8, origin jsonb)
        on conflict (type, deduplication_id) where deduplication_id is not null do nothing
      )
      select pg_notify(${hook.channel}, ${hook.notice(committed)})`
    return committed
  }
}

/** Ids whose time is over are free again, though their jobs may still wait. */
const releaseDeduplications = (tx: Prisma.TransactionClient) =>
  tx.$executeRaw`update outbox set deduplication_id = null where deduplicated_until <= now() and deduplication_id is not null`
