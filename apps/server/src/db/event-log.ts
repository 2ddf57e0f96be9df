import type { EventBatch, EventCursor, EventLog, StoredEvent } from '../kernel/events.js'
import type { PrismaClient } from './generated/client.js'

interface EventRow {
  txid: string
  seq: bigint
  type: string
  subject_type: string
  subject_id: string
  actor_id: string | null
  printer_group_id: string | null
  project_id: string | null
  payload: unknown
  created_at: Date
}

interface Horizon {
  /** The oldest transaction that still runs; everything below is settled. */
  oldest: string
  /** The cursor lies before rows that were removed, or behind everything that ever was. */
  lost: boolean
  /** Rows are there that are not readable yet. */
  more: boolean
}

/**
 * The type of the one removed row that stays behind, so that a cursor before it can be told that something is missing.
 * It is always the first row in reading order and never leaves this file.
 */
const TRUNCATION_MARK = 'event_log.truncated'

/** Rows in one deleting statement, so that none runs into the statement time-out. */
const REMOVED_AT_ONCE = 20_000

const CURSOR = /^(\d{1,19})-(\d{1,18})$/

const parseCursor = (cursor: EventCursor): { txid: string; seq: bigint } | null => {
  const [, txid, seq] = CURSOR.exec(cursor) ?? []
  return txid === undefined || seq === undefined ? null : { txid, seq: BigInt(seq) }
}

// The table's only writer is the unit of work, which takes typed events; a row is what it was when it was recorded.
const toEvent = (row: EventRow): StoredEvent =>
  ({
    cursor: `${row.txid}-${row.seq.toString()}`,
    type: row.type,
    subjectType: row.subject_type,
    subjectId: row.subject_id,
    actorId: row.actor_id,
    printerGroupId: row.printer_group_id,
    projectId: row.project_id,
    payload: row.payload,
    createdAt: row.created_at,
  }) as StoredEvent

/**
 * Reads the event table in the order (transaction id, seq) and only below the oldest running transaction. What lies
 * below can no longer change, so a transaction that commits late is never skipped (docs/adr/0005-event-cursor.md).
 */
export class PrismaEventLog implements EventLog {
  constructor(private readonly prisma: PrismaClient) {}

  async readAfter(cursor: EventCursor, limit: number): Promise<EventBatch | 'resync'> {
    const after = parseCursor(cursor)
    if (after === null) return 'resync'
    // `xmin` itself would name a system column of the table.
    // One statement, so that the horizon and the rows belong to one snapshot.
    const rows = await this.prisma.$queryRaw<(Horizon & Partial<EventRow>)[]>`
      with horizon as (
        select pg_snapshot_xmin(pg_current_snapshot()) as oldest, pg_snapshot_xmax(pg_current_snapshot()) as next_txid
      ), state as (
        select oldest,
          ${after.txid}::text::xid8 > next_txid or coalesce((
            select type = ${TRUNCATION_MARK} and (txid, seq) > (${after.txid}::text::xid8, ${after.seq}::bigint)
            from event order by txid, seq limit 1
          ), false) as lost,
          coalesce((select txid from event order by txid desc, seq desc limit 1) >= oldest, false) as more
        from horizon
      )
      select state.oldest::text as oldest, state.lost, state.more, e.txid::text as txid, e.seq, e.type, e.subject_type,
        e.subject_id, e.actor_id, e.printer_group_id, e.project_id, e.payload, e.created_at
      from state left join lateral (
        select * from event
        where (txid, seq) > (${after.txid}::text::xid8, ${after.seq}::bigint) and txid < state.oldest
          and type <> ${TRUNCATION_MARK}
        order by txid, seq limit ${limit}
      ) e on true
      order by e.txid, e.seq`
    const [first] = rows
    if (first === undefined || first.lost) return 'resync'
    const events = rows.filter((row): row is Horizon & EventRow => row.type != null).map(toEvent)
    const last = events.length < limit ? undefined : events.at(-1)
    return { events, next: last?.cursor ?? `${first.oldest}-0`, more: first.more }
  }

  async head(): Promise<EventCursor> {
    const [row] = await this.prisma.$queryRaw<{ oldest: string }[]>`
      select pg_snapshot_xmin(pg_current_snapshot())::text as oldest`
    if (row === undefined) throw new Error('the database gave no snapshot')
    return `${row.oldest}-0`
  }

  /** The cursor before everything that is kept. */
  async oldest(): Promise<EventCursor> {
    const [first] = await this.prisma.$queryRaw<Pick<EventRow, 'txid' | 'seq' | 'type'>[]>`
      select txid::text as txid, seq, type from event order by event.txid, seq limit 1`
    return first?.type === TRUNCATION_MARK ? `${first.txid}-${first.seq.toString()}` : '0-0'
  }

  /**
   * Removes events older than this. Cursors before what is left get `resync`.
   * @param unreadHours how old those may become that a durable reader has not read
   * @returns how many rows went
   */
  async removeOlderThan(hours: number, unreadHours = hours): Promise<number> {
    let removed = 0
    for (let rows = REMOVED_AT_ONCE; rows >= REMOVED_AT_ONCE; removed += rows) {
      rows = await this.removeSome(hours, unreadHours)
    }
    return removed
  }

  // Reading order and time differ by as much as a transaction lasts, so the cut is made before the first row in reading
  // order that is young enough; a few old rows behind it stay until the next time.
  private async removeSome(hours: number, unreadHours: number): Promise<number> {
    const [row] = await this.prisma.$queryRaw<{ removed: number }[]>`
      with slowest as (
        select min(array[split_part(cursor, '-', 1), split_part(cursor, '-', 2)]::numeric[]) as reader from event_reader
      ), kept as (
        select txid, seq from event, slowest
        where created_at >= now() - make_interval(hours => ${hours}::int)
          or txid >= pg_snapshot_xmin(pg_current_snapshot())
          or (created_at >= now() - make_interval(hours => ${unreadHours}::int)
            and array[txid::text, seq::text]::numeric[] > slowest.reader)
        order by txid, seq limit 1
      ), old as (
        select e.txid, e.seq from event e
        where not exists (select 1 from kept where (kept.txid, kept.seq) <= (e.txid, e.seq))
        order by e.txid, e.seq limit ${REMOVED_AT_ONCE + 1}
      ), mark as (
        select txid, seq from old order by txid desc, seq desc limit 1
      ), removed as (
        delete from event e using mark where (e.txid, e.seq) < (mark.txid, mark.seq) returning 1
      ), marked as (
        update event e set type = ${TRUNCATION_MARK}, payload = '{}'
        from mark where e.seq = mark.seq and e.type <> ${TRUNCATION_MARK} returning 1
      )
      select (select count(*) from removed)::int as removed, (select count(*) from marked)::int as marked`
    return row?.removed ?? 0
  }
}

export const createEventLog = (prisma: PrismaClient) => new PrismaEventLog(prisma)
