import { SYSTEM_ACTOR } from '../kernel/actor.js'
import type { CommitHook, Committed } from '../kernel/commit-hook.port.js'
import type { NewEvent } from '../kernel/events.js'
import { newId } from '../kernel/ids.js'
import type { JobDefinition, JobPayload } from '../kernel/jobs.js'
import type { Prisma } from './generated/client.js'

/** The events and jobs of one transaction, kept until its end and then written at one go. */
export class TransactionBuffer {
  readonly recorded: NewEvent[] = []
  private readonly events: object[] = []
  private readonly jobs: object[] = []
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

  enqueue<D extends JobDefinition>(definition: D, payload: JobPayload<D>): void {
    // Parsed here too: an order that no handler could read must fail its orderer, not turn up among the dead.
    this.jobs.push({
      id: newId('outbox'),
      type: definition.type,
      version: definition.version,
      payload: definition.payload.parse(payload),
    })
  }

  /** Writes everything with the notice to the other processes, in one statement. */
  async flush(tx: Prisma.TransactionClient, hook: CommitHook): Promise<Committed | null> {
    if (this.events.length === 0 && this.jobs.length === 0) return null
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
        insert into outbox (id, type, version, payload)
        select id, type, version, payload
        from jsonb_to_recordset(${JSON.stringify(this.jobs)}::jsonb)
          as t (id text, type text, version int, payload jsonb)
      )
      select pg_notify(${hook.channel}, ${hook.notice(committed)})`
    return committed
  }
}
