import type { AuditActorKind, AuditChange, AuditEvent, AuditOutcome, ErrorCode } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type {
  AuditQuery,
  AuditRepository,
  Chain,
  Mark,
  PendingChange,
  Refusal,
  SealedEntry,
} from '../modules/audit/audit.ports.js'
import { Prisma } from './generated/client.js'
import { cursorRefused, decodeCursor, toPage } from './keyset.js'

type Row = Prisma.AuditEntryGetPayload<object>
type ChainRow = Prisma.AuditChainGetPayload<object>

/** What an entry holds of one transaction. */
const MOST_CHANGES = 100

/** PostgreSQL does not know every time that a Date knows. */
const [FIRST_TIME, LAST_TIME] = [new Date(0), new Date('9999-12-31T23:59:59.999Z')]

// The table's only writer is the sealer, which takes typed entries.
const entryOf = ({ seq, ...row }: Row): SealedEntry => ({
  ...row,
  seq: Number(seq),
  actorKind: row.actorKind as AuditActorKind,
  outcome: row.outcome as AuditOutcome,
  errorCode: row.errorCode as ErrorCode | null,
  events: row.events as unknown as AuditEvent[],
  changes: row.changes as unknown as AuditChange[],
})

const chainOf = (row: ChainRow): Chain => ({
  base: { seq: Number(row.baseSeq), hash: row.baseHash, keyId: row.baseKeyId, seal: row.baseSeal },
  head: { seq: Number(row.seq), hash: row.hash, keyId: row.keyId, seal: row.seal, earlierKeys: row.earlierKeys },
})

/** @throws GantryError `VALIDATION_FAILED` */
const seqBefore = (cursor: string | null): bigint | null => {
  const key = decodeCursor(cursor)
  if (key === null) return null
  if (!/^\d{1,15}$/.test(key.id)) throw cursorRefused()
  return BigInt(key.id)
}

const filterOf = (query: AuditQuery): Prisma.AuditEntryWhereInput => {
  const { actorId, action, outcome, targetType, targetId, ip, from = FIRST_TIME, to = LAST_TIME } = query
  const before = seqBefore(query.cursor)
  return {
    ...(actorId !== undefined && { actorId }),
    ...(action !== undefined && { action: action.endsWith('.') ? { startsWith: action } : action }),
    ...(outcome !== undefined && { outcome }),
    ...(targetType !== undefined && { targetType }),
    ...(targetId !== undefined && { touched: { has: targetId } }),
    ...(ip !== undefined && { ip }),
    at: { gte: from < FIRST_TIME ? FIRST_TIME : from, lt: to > LAST_TIME ? LAST_TIME : to },
    ...(before !== null && { seq: { lt: before } }),
  }
}

/** The audit log: what waits to be sealed, what is, and where the chain begins and ends. */
export class PrismaAuditRepository implements AuditRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async list({ scope }: Actor, query: AuditQuery) {
    const seesAll = scope.printerGroups === 'all' && scope.projects === 'all'
    const { limit } = query
    const where = filterOf(query)
    const rows = seesAll ? await this.tx.auditEntry.findMany({ where, orderBy: { seq: 'desc' }, take: limit + 1 }) : []
    return toPage(rows, limit, ({ at, seq }) => ({ at, id: seq.toString() }), entryOf)
  }

  async noteRefusals(refusals: readonly Refusal[]) {
    const rows = refusals.map(({ caller, errorCode, account, times }) => ({
      ...{ call: { ...caller }, operation: 'refusal', source: errorCode },
      after: { account, times },
    }))
    await this.tx.auditChange.createMany({ data: rows })
  }

  async hasPending() {
    const [row] = await this.tx.$queryRaw<{ found: boolean }[]>`
      select exists (select 1 from audit_change where txid < pg_snapshot_xmin(pg_current_snapshot())) as found`
    return row?.found === true
  }

  async lockChain(waits: boolean) {
    const [row] = await this.tx.$queryRaw<object[]>`
      select 1 from audit_chain where name = 'audit' for update ${waits ? Prisma.empty : Prisma.sql`skip locked`}`
    return row === undefined ? null : this.chain()
  }

  async pending(transactions: number) {
    return this.tx.$queryRaw<PendingChange[]>`
      with due as (
        select txid from audit_change where txid < pg_snapshot_xmin(pg_current_snapshot())
        group by txid order by txid limit ${transactions}
      )
      select c.txid::text as txid, c.at, c.call, c.operation, c.source, c.target_id as "targetId", c.before, c.after,
        c.total
      from due cross join lateral (
        select *, (count(*) over ())::int as total from audit_change
        where txid = due.txid order by operation <> 'event', seq limit ${MOST_CHANGES}
      ) c
      order by due.txid, c.seq`
  }

  async namesOf(actorIds: readonly string[]) {
    const ids = [...new Set(actorIds)]
    if (ids.length === 0) return new Map<string, string>()
    const rows = await this.tx.$queryRaw<{ id: string; name: string }[]>`
      select id, email as name from app_user where id = any(${ids})
      union all select k.id, k.name || ' (' || u.email || ')' from api_key k join app_user u on u.id = k.user_id
      where k.id = any(${ids})`
    return new Map(rows.map(({ id, name }) => [id, name]))
  }

  async seal(entries: readonly SealedEntry[], head: Mark, txids: readonly string[]) {
    const data = entries.map(({ events, changes, ...entry }) => ({
      ...entry,
      ...{ events: events as unknown as Prisma.InputJsonValue, changes: changes as unknown as Prisma.InputJsonValue },
    }))
    if (data.length > 0) await this.tx.auditEntry.createMany({ data })
    await this.tx.auditChain.update({
      where: { name: 'audit' },
      data: { ...head, earlierKeys: [...(head.earlierKeys ?? [])] },
    })
    await this.tx.$executeRaw`delete from audit_change where txid = any(${[...txids]}::text[]::xid8[])`
  }

  async chain() {
    return chainOf(await this.tx.auditChain.findUniqueOrThrow({ where: { name: 'audit' } }))
  }

  async page(afterSeq: number, limit: number) {
    const rows = await this.tx.auditEntry.findMany({
      where: { seq: { gt: afterSeq } },
      orderBy: { seq: 'asc' },
      take: limit,
    })
    return rows.map(entryOf)
  }

  async lastOlderThan(days: number, limit: number) {
    const [row] = await this.tx.$queryRaw<{ seq: number; hash: string }[]>`
      with oldest as (select seq, at, hash from audit_entry order by seq limit ${limit}),
        kept as (select min(seq) as seq from oldest where at >= now() - make_interval(days => ${days}::int))
      select oldest.seq::float8 as seq, hash from oldest, kept
      where kept.seq is null or oldest.seq < kept.seq order by oldest.seq desc limit 1`
    return row ?? null
  }

  async removeUpTo({ seq, hash, keyId, seal }: Mark) {
    await this.tx.$executeRaw`select set_config('gantry.audit', 'retention', true)`
    await this.tx.auditChain.update({
      where: { name: 'audit' },
      data: { baseSeq: seq, baseHash: hash, baseKeyId: keyId, baseSeal: seal },
    })
    const { count } = await this.tx.auditEntry.deleteMany({ where: { seq: { lte: seq } } })
    return count
  }
}
