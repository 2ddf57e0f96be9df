import type { BedState, LoadedMaterial } from '@gantry/schemas'

import type { ClaimablePrinter } from '../modules/print-jobs/print-jobs.ports.js'
import type { Lease } from '../modules/printers/printer-session.js'
import { Prisma } from './generated/client.js'
import { formatsIn } from './host-formats.js'

interface Row {
  printerId: string
  name: string
  enabled: boolean
  maintenance: boolean
  model: string | null
  groupId: string | null
  nozzleDiameterMm: number | null
  xMm: number | null
  yMm: number | null
  zMm: number | null
  bed: BedState
  bedSince: Date
  materials: LoadedMaterial[]
  capabilities: unknown
  holdCodes: string[]
  activeAttemptId: string | null
}

/** Leases that are valid now, by the clock and not by the transaction's beginning: it may have waited for a lock. */
const underLease = (leases: Lease[]): Prisma.Sql => Prisma.sql`
  jsonb_to_recordset(${JSON.stringify(leases)}::jsonb) AS lease ("printerId" text, owner text, epoch int)
  JOIN printer_runtime r ON r.printer_id = lease."printerId" AND r.lease_owner = lease.owner
    AND r.lease_epoch = lease.epoch AND r.lease_until > clock_timestamp()
  JOIN printer p ON p.id = r.printer_id AND p.removed_at IS NULL`

/**
 * Locks these printers, and lets nobody change what they are: what a person changes is either seen after it or waits
 * until the claim is made. Who is locked elsewhere is passed by: nobody waits for a printer with a job in hand.
 * @returns the ids of those that were locked
 */
export const lockClaimable = async (tx: Prisma.TransactionClient, leases: Lease[]): Promise<Set<string>> => {
  const rows = await tx.$queryRaw<{ printerId: string }[]>`
    SELECT r.printer_id AS "printerId" FROM ${underLease(leases)} ORDER BY r.printer_id
    FOR UPDATE OF r SKIP LOCKED FOR SHARE OF p SKIP LOCKED`
  return new Set(rows.map(({ printerId }) => printerId))
}

/** What a claim compares, of printers whose lease is valid. */
export const readClaimable = async (tx: Prisma.TransactionClient, leases: Lease[]): Promise<ClaimablePrinter[]> => {
  if (leases.length === 0) return []
  const rows = await tx.$queryRaw<Row[]>`
    SELECT p.id AS "printerId", p.name, p.enabled, p.maintenance, p.model, p.group_id AS "groupId",
      p.nozzle_diameter_mm AS "nozzleDiameterMm", p.volume_x_mm AS "xMm", p.volume_y_mm AS "yMm", p.volume_z_mm AS "zMm",
      r.bed::text AS bed, r.bed_since AS "bedSince", r.capabilities,
      coalesce((SELECT jsonb_agg(jsonb_build_object('slot', m.slot, 'material', m.material, 'colorHex', m.color_hex)
        ORDER BY m.slot) FROM printer_material m WHERE m.printer_id = p.id), '[]') AS materials,
      ARRAY(SELECT h.code FROM hold h WHERE h.printer_id = p.id AND h.released_at IS NULL) AS "holdCodes",
      (SELECT a.id FROM attempt a WHERE a.printer_id = p.id
        AND a.state IN ('claimed', 'uploading', 'starting', 'printing', 'paused', 'unknown')) AS "activeAttemptId"
    FROM ${underLease(leases)} ORDER BY p.id`
  return rows.map(claimableOf)
}

const claimableOf = (row: Row): ClaimablePrinter => {
  const { printerId, name, enabled, maintenance, bed, bedSince, holdCodes, activeAttemptId } = row
  const { model, groupId, nozzleDiameterMm, materials, xMm, yMm, zMm } = row
  const buildVolume = xMm === null || yMm === null || zMm === null ? null : { xMm, yMm, zMm }
  const facts = { model, groupId, nozzleDiameterMm, buildVolume, materials, fileFormats: formatsIn(row.capabilities) }
  return { printerId, name, enabled, maintenance, bed, bedSince, holdCodes, activeAttemptId, facts }
}
