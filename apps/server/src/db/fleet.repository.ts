import { ACTIVE_ATTEMPT_STATES, type BedState } from '@gantry/schemas'

import type {
  BedRepository,
  FleetRepository,
  FleetSituation,
  LeaseGrant,
  PrinterState,
  StateChange,
} from '../modules/printers/printers.ports.js'
import { Prisma } from './generated/client.js'
import { beginSpans, endSpans, type BegunState } from './printer-state-spans.js'

/** Of a printer `r`: a copy is on its way to it, and no print yet that another instance could simply watch. */
const UNDER_WAY = Prisma.sql`EXISTS (SELECT 1 FROM attempt u
  WHERE u.printer_id = r.printer_id AND u.state IN ('claimed', 'uploading', 'starting'))`

/** Leases, and what the driving instance writes. Every comparison of times is the database's own. */
export class PrismaFleetRepository implements FleetRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async announce(owner: string, capacity: number, forSeconds: number) {
    await this.tx.$executeRaw`
      INSERT INTO fleet_instance (id, capacity, alive_until)
      VALUES (${owner}, ${capacity}, now() + make_interval(secs => ${forSeconds}))
      ON CONFLICT (id) DO UPDATE SET capacity = EXCLUDED.capacity, alive_until = EXCLUDED.alive_until`
    await this.tx.$executeRaw`DELETE FROM fleet_instance WHERE alive_until < now() - interval '1 day'`
  }

  async leave(owner: string) {
    await this.tx.fleetInstance.deleteMany({ where: { id: owner } })
  }

  async situation(): Promise<FleetSituation> {
    const [row] = await this.tx.$queryRaw<FleetSituation[]>`
      SELECT count(*)::int AS printers,
        (count(*) FILTER (WHERE r.lease_until IS NULL OR r.lease_until <= now()))::int AS free,
        ARRAY(SELECT capacity FROM fleet_instance WHERE alive_until > now()) AS capacities
      FROM printer p JOIN printer_runtime r ON r.printer_id = p.id WHERE p.removed_at IS NULL`
    if (row === undefined) throw new Error('a count without a row')
    return row
  }

  async renew(owner: string, held: string[], seen: string[], leaseSeconds: number) {
    if (held.length === 0) return []
    return this.tx.$queryRaw<LeaseGrant[]>`
      UPDATE printer_runtime r SET lease_until = now() + make_interval(secs => ${leaseSeconds}),
        last_seen_at = CASE WHEN r.printer_id = ANY(${seen}) THEN now() ELSE r.last_seen_at END
      FROM (
        SELECT m.printer_id FROM printer_runtime m JOIN printer p ON p.id = m.printer_id
        WHERE m.lease_owner = ${owner} AND m.lease_until > now() AND m.printer_id = ANY(${held}) AND p.removed_at IS NULL
        ORDER BY m.printer_id FOR UPDATE OF m) mine
      WHERE r.printer_id = mine.printer_id
      RETURNING r.printer_id AS "printerId", r.lease_epoch AS epoch`
  }

  async acquire(owner: string, limit: number, except: string[], leaseSeconds: number) {
    if (limit <= 0) return []
    const taken = await this.tx.$queryRaw<(LeaseGrant & BegunState & { now: Date })[]>`
      UPDATE printer_runtime r
      SET lease_owner = ${owner}, lease_epoch = r.lease_epoch + 1, lease_until = now() + make_interval(secs => ${leaseSeconds})
      FROM (
        SELECT f.printer_id, f.lease_until FROM printer_runtime f JOIN printer p ON p.id = f.printer_id
        WHERE p.removed_at IS NULL AND NOT f.printer_id = ANY(${except})
          AND (f.lease_until IS NULL OR f.lease_until <= now() OR f.lease_owner = ${owner})
        ORDER BY f.printer_id LIMIT ${limit} FOR UPDATE OF f SKIP LOCKED) free
      WHERE r.printer_id = free.printer_id
      RETURNING r.printer_id AS "printerId", r.lease_epoch AS epoch, r.state, free.lease_until AS "drivenUntil",
        now()::timestamptz(3) AS now`
    const [first] = taken
    if (first !== undefined) await beginSpans(this.tx, taken, first.now)
    return taken.map(({ printerId, epoch }) => ({ printerId, epoch }))
  }

  async retire(owner: string, held: string[], limit: number) {
    if (limit <= 0) return []
    // A printer that is just being claimed is locked, and passed by.
    const ready = await this.tx.$queryRaw<{ id: string }[]>`
      SELECT r.printer_id AS id FROM printer_runtime r
      WHERE r.lease_owner = ${owner} AND r.lease_until > now() AND r.printer_id = ANY(${held}) AND NOT ${UNDER_WAY}
      ORDER BY EXISTS (SELECT 1 FROM attempt a WHERE a.printer_id = r.printer_id
        AND a.state IN ('printing', 'paused', 'unknown')), r.printer_id
      LIMIT ${limit} FOR UPDATE OF r SKIP LOCKED`
    // Asked again, now that nobody can claim: a claim may have ended between the look and the lock.
    const retired = await this.tx.$queryRaw<{ id: string }[]>`
      UPDATE printer_runtime r SET lease_epoch = r.lease_epoch + 1
      WHERE r.printer_id = ANY(${ready.map(({ id }) => id)}) AND NOT ${UNDER_WAY}
      RETURNING r.printer_id AS id`
    return retired.map(({ id }) => id)
  }

  release(owner: string, printerIds: string[]) {
    return this.giveBack({ leaseOwner: owner, printerId: { in: printerIds } })
  }

  releaseAllBut(owner: string, printerIds: string[]) {
    return this.giveBack({ leaseOwner: owner, printerId: { notIn: printerIds } })
  }

  private async giveBack(where: Prisma.PrinterRuntimeWhereInput) {
    const given = await this.tx.printerRuntime.updateManyAndReturn({
      ...{ where, data: { leaseOwner: null, leaseUntil: null } },
      select: { printerId: true },
    })
    await endSpans(
      this.tx,
      given.map(({ printerId }) => printerId),
    )
  }

  async saveStates(owner: string, states: PrinterState[], now: Date) {
    const changes = await this.tx.$queryRaw<StateChange[]>`
      UPDATE printer_runtime r SET state = changed.state, state_since = ${now}
      FROM (
        SELECT m.printer_id, m.state AS before, said.state
        FROM jsonb_to_recordset(${JSON.stringify(states)}::jsonb) AS said ("printerId" text, state text)
        JOIN printer_runtime m ON m.printer_id = said."printerId"
        WHERE m.lease_owner = ${owner} AND m.lease_until > now() AND m.state <> said.state
        ORDER BY m.printer_id FOR UPDATE OF m) changed
      WHERE r.printer_id = changed.printer_id
      RETURNING r.printer_id AS "printerId", changed.before AS "from", changed.state AS "to"`
    const begun = changes.map(({ printerId, to }) => ({ printerId, state: to }))
    await beginSpans(this.tx, begun, now)
    return changes
  }

  async saveHost(printerId: string, host: { product: string; uniqueId: string | null; capabilities: string[] }) {
    await this.tx.printerRuntime.update({
      where: { printerId },
      data: { hostProduct: host.product, hostUniqueId: host.uniqueId, capabilities: host.capabilities },
    })
  }
}

export class PrismaBedRepository implements BedRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async clear(printerId: string, byId: string, now: Date) {
    const [row] = await this.tx.$queryRaw<{ bed: BedState }[]>`
      SELECT bed::text AS bed FROM printer_runtime WHERE printer_id = ${printerId} FOR UPDATE`
    // Looked up after the lock, not with it: a statement that waited for a claim does not see the attempt it made.
    const active = { printerId, state: { in: [...ACTIVE_ATTEMPT_STATES] } }
    if (row === undefined || (await this.tx.attempt.count({ where: active })) > 0) return null
    if (row.bed === 'clear') return false
    await this.tx.printerRuntime.update({
      where: { printerId },
      data: { bed: 'clear', bedSince: now, bedSetById: byId },
    })
    return true
  }

  async lock(printerId: string) {
    const [row] = await this.tx.$queryRaw<{ bed: BedState; since: Date }[]>`
      SELECT bed::text AS bed, bed_since AS since FROM printer_runtime WHERE printer_id = ${printerId} FOR UPDATE`
    if (row === undefined) throw new Error(`there is no printer ${printerId}`)
    return row
  }

  async occupy(printerId: string, now: Date, anew = false) {
    const remember = () =>
      this.tx.attempt.updateMany({
        where: { printerId, state: { in: [...ACTIVE_ATTEMPT_STATES] } },
        data: { bedBefore: 'occupied' },
      })
    await remember()
    const { count } = await this.tx.printerRuntime.updateMany({
      where: { printerId, ...(anew ? {} : { bed: 'clear' }) },
      data: { bed: 'occupied', bedSince: now, bedSetById: null },
    })
    // A claim may have been made while this waited for the printer's row.
    await remember()
    return count === 1
  }

  async restore(printerId: string, bed: BedState, now: Date) {
    await this.tx.printerRuntime.update({ where: { printerId }, data: { bed, bedSince: now } })
  }
}
