import { ACTIVE_ATTEMPT_STATES, type BedState } from '@gantry/schemas'

import type { BedRepository, FleetRepository, LeaseGrant, StateChange } from '../modules/printers/printers.ports.js'
import type { Prisma } from './generated/client.js'

/** Leases, and what the driving instance writes. Every comparison of times is the database's own. */
export class PrismaFleetRepository implements FleetRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async renewAndAcquire(owner: string, leaseSeconds: number, limit: number): Promise<LeaseGrant[]> {
    const driven = await this.tx.$executeRaw`
      UPDATE printer_runtime SET lease_until = now() + make_interval(secs => ${leaseSeconds})
      WHERE lease_owner = ${owner} AND lease_until > now()`
    await this.tx.$executeRaw`
      UPDATE printer_runtime r
      SET lease_owner = ${owner}, lease_epoch = r.lease_epoch + 1, lease_until = now() + make_interval(secs => ${leaseSeconds})
      WHERE r.printer_id IN (
        SELECT f.printer_id FROM printer_runtime f JOIN printer p ON p.id = f.printer_id
        WHERE p.removed_at IS NULL AND (f.lease_until IS NULL OR f.lease_until <= now())
        ORDER BY f.printer_id LIMIT greatest(0, ${limit}::int - ${driven}::int) FOR UPDATE OF f SKIP LOCKED)`
    return this.tx.$queryRaw<LeaseGrant[]>`
      SELECT r.printer_id AS "printerId", r.lease_epoch AS epoch
      FROM printer_runtime r JOIN printer p ON p.id = r.printer_id
      WHERE r.lease_owner = ${owner} AND r.lease_until > now() AND p.removed_at IS NULL ORDER BY r.printer_id`
  }

  async release(owner: string, printerIds: string[] | 'all') {
    await this.tx.printerRuntime.updateMany({
      where: { leaseOwner: owner, ...(printerIds === 'all' ? {} : { printerId: { in: printerIds } }) },
      data: { leaseOwner: null, leaseUntil: null },
    })
  }

  async saveState(owner: string, printerId: string, state: string, now: Date): Promise<StateChange | null> {
    const [before] = await this.tx.$queryRaw<{ state: string }[]>`
      SELECT state FROM printer_runtime
      WHERE printer_id = ${printerId} AND lease_owner = ${owner} AND lease_until > now() FOR UPDATE`
    if (before === undefined || before.state === state) return null
    await this.tx.printerRuntime.update({ where: { printerId }, data: { state, stateSince: now } })
    return { printerId, from: before.state, to: state }
  }

  async saveSeen(owner: string, printerIds: string[]) {
    if (printerIds.length === 0) return
    await this.tx.$executeRaw`
      UPDATE printer_runtime SET last_seen_at = now() WHERE lease_owner = ${owner} AND printer_id = ANY(${printerIds})`
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
    const [row] = await this.tx.$queryRaw<{ bed: BedState; busy: boolean }[]>`
      SELECT r.bed::text AS bed, EXISTS (
        SELECT 1 FROM attempt a WHERE a.printer_id = r.printer_id
          AND a.state IN ('claimed', 'uploading', 'starting', 'printing', 'paused', 'unknown')) AS busy
      FROM printer_runtime r WHERE r.printer_id = ${printerId} FOR UPDATE OF r`
    if (row === undefined || row.busy) return null
    if (row.bed === 'clear') return false
    await this.tx.printerRuntime.update({
      where: { printerId },
      data: { bed: 'clear', bedSince: now, bedSetById: byId },
    })
    return true
  }

  async occupy(printerId: string, now: Date) {
    await this.tx.attempt.updateMany({
      where: { printerId, state: { in: [...ACTIVE_ATTEMPT_STATES] } },
      data: { bedBefore: 'occupied' },
    })
    const { count } = await this.tx.printerRuntime.updateMany({
      where: { printerId, bed: 'clear' },
      data: { bed: 'occupied', bedSince: now, bedSetById: null },
    })
    return count === 1
  }

  async restore(printerId: string, bed: BedState, now: Date) {
    await this.tx.printerRuntime.update({ where: { printerId }, data: { bed, bedSince: now } })
  }
}
