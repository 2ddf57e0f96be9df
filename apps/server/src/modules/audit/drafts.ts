import { errorCode, ID_PREFIXES, type AuditActorKind, type AuditChange, type AuditEvent } from '@gantry/schemas'

import type { Draft, PendingChange, Redact, StoredCall } from './audit.ports.js'
import { AUDITED_TABLES } from './audited-tables.js'

const MOST_TOUCHED = 200
const LONGEST_TEXT = 2_000

type Row = Record<string, unknown>

/** As they stand in the API. */
const camelCase = (name: string) => name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** Cut to a length; a character that was cut in two cannot be stored. */
const bounded = (value: unknown): unknown => {
  if (typeof value === 'string') return value.slice(0, LONGEST_TEXT).replaceAll(/\p{Surrogate}/gu, '\uFFFD')
  if (Array.isArray(value)) return value.map(bounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, bounded(member)]))
}

/** Turns what waits in the database into entries that may be kept: redacted, bounded, one a transaction. */
export class Drafting {
  constructor(private readonly redact: Redact) {}

  /** @param changes in reading order */
  draftsOf(changes: readonly PendingChange[]): Draft[] {
    const transactions = new Map<string, PendingChange[]>()
    for (const change of changes) {
      const others = transactions.get(change.txid)
      if (others === undefined) transactions.set(change.txid, [change])
      else others.push(change)
    }
    return [...transactions.values()].flatMap((ofOne) => {
      const refused = ofOne.filter(({ operation }) => operation === 'refusal').map((refusal) => this.refused(refusal))
      const done = this.done(ofOne.filter(({ operation }) => operation !== 'refusal'))
      return done === null ? refused : [...refused, done]
    })
  }

  /** Null when only the fleet did something, in answer to the call. */
  private done(all: readonly PendingChange[]): Draft | null {
    const events = all.filter(({ operation }) => operation === 'event')
    const rows = all.filter(
      ({ operation, source }) =>
        operation !== 'event' && (events.length > 0 || AUDITED_TABLES[source]?.besideEvent !== true),
    )
    const first = events[0] ?? rows[0]
    if (first === undefined) return null
    const told = { events: events.map((event) => this.eventOf(event)), changes: rows.map((row) => this.changeOf(row)) }
    const actorId = first.call.actorId ?? textIn(events[0]?.after, 'actorId')
    return {
      at: first.at,
      ...this.callOf(first.call, actorId),
      action: 'action' in first.call ? first.call.action : `database.${first.operation}`,
      ...{ outcome: 'done', errorCode: null, times: 1 },
      ...{ targetType: targetTypeOf(first), targetId: first.targetId },
      ...told,
      omitted: Math.max(0, first.total - all.length),
      touched: touchedBy(first.targetId, told),
    }
  }

  private refused({ at, call, source, after }: PendingChange): Draft {
    const account = textIn(after, 'account')
    return {
      at,
      ...this.callOf(call, call.actorId),
      ...(account !== null && { actorName: account }),
      action: 'action' in call ? call.action : 'database',
      outcome: 'refused',
      errorCode: errorCode.safeParse(source).data ?? null,
      times: Number(after?.['times'] ?? 1),
      ...{ targetType: null, targetId: null, events: [], changes: [], omitted: 0, touched: [] },
    }
  }

  private callOf(call: StoredCall, actorId: string | null) {
    const { ip, userAgent } = call
    const requestId = 'requestId' in call ? call.requestId : null
    const known = { actorKind: kindOf(call, actorId), actorId, actorName: null }
    return { ...known, ...this.shown({ ip, userAgent, requestId }) }
  }

  private eventOf({ source, targetId, after }: PendingChange): AuditEvent {
    const subjectType = textIn(after, 'subjectType') ?? ''
    return {
      type: source,
      subjectType,
      subjectId: targetId ?? '',
      ...this.shown({ payload: after?.['payload'] ?? {} }),
    }
  }

  private changeOf({ operation, source, targetId, before, after }: PendingChange): AuditChange {
    return {
      ...{ table: source, id: targetId, operation: operation as AuditChange['operation'] },
      ...{ before: this.rowOf(before), after: this.rowOf(after) },
    }
  }

  private rowOf(row: Row | null): Row | null {
    if (row === null || Object.keys(row).length === 0) return null
    return this.shown(Object.fromEntries(Object.entries(row).map(([name, value]) => [camelCase(name), value])))
  }

  private shown<T extends object>(value: T): T {
    return bounded(this.redact(value)) as T
  }
}

const textIn = (row: Row | null | undefined, name: string): string | null => {
  const value = row?.[name]
  return typeof value === 'string' ? value : null
}

const kindOf = (call: StoredCall, actorId: string | null): AuditActorKind => {
  if ('kind' in call) return 'database'
  if (actorId === null) return 'anonymous'
  return actorId.startsWith(`${ID_PREFIXES.apiKey}_`) ? 'api_key' : 'user'
}

const targetTypeOf = ({ operation, source, after }: PendingChange): string | null => {
  if (operation === 'event') return textIn(after, 'subjectType')
  return source === 'outbox' ? 'mail' : (AUDITED_TABLES[source]?.target ?? null)
}

const ID = new RegExp(`^(?:${Object.values(ID_PREFIXES).join('|')})_[0-9a-f-]{36}$`)

/** The ids of everything that an entry names. */
const touchedBy = (targetId: string | null, { events, changes }: Pick<Draft, 'events' | 'changes'>): string[] => {
  const ids = new Set<string>()
  const add = (value: unknown) => {
    if (typeof value === 'string' && ID.test(value) && ids.size < MOST_TOUCHED) ids.add(value)
  }
  // A queue or a schedule has a name in place of an id.
  if (targetId !== null) ids.add(targetId)
  for (const { subjectId, payload } of events) [subjectId, ...Object.values(payload as Row)].forEach(add)
  for (const { id, before, after } of changes) [id, ...Object.values({ ...before, ...after })].forEach(add)
  return [...ids]
}
