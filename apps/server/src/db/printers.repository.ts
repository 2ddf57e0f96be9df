import { ACTIVE_ATTEMPT_STATES, type Reason } from '@gantry/schemas'

import { GantryError, type Actor } from '../kernel/index.js'
import type {
  NewPrinter,
  PrinterPatch,
  PrinterQuery,
  PrinterRecord,
  PrinterRepository,
} from '../modules/printers/printers.ports.js'
import { isForeignKeyViolation, isUniqueViolation } from './errors.js'
import type { Prisma } from './generated/client.js'
import { formatsIn } from './host-formats.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'
import { visiblePrinters } from './scope.js'

const RUNTIME = {
  bed: true,
  bedSince: true,
  state: true,
  stateSince: true,
  lastSeenAt: true,
  leaseOwner: true,
  leaseUntil: true,
  capabilities: true,
} as const satisfies Prisma.PrinterRuntimeSelect

const ACTIVE_ATTEMPT = {
  id: true,
  jobId: true,
  state: true,
  remoteName: true,
  remotePath: true,
} as const satisfies Prisma.AttemptSelect

/** Names its columns: a list of printers reads what it shows and no more. */
const WITH_ALL = {
  materials: { select: { slot: true, material: true, colorHex: true }, orderBy: { slot: 'asc' } },
  runtime: { select: RUNTIME },
  holds: { select: { code: true, params: true }, where: { releasedAt: null }, orderBy: { createdAt: 'asc' } },
  attempts: { select: ACTIVE_ATTEMPT, where: { state: { in: [...ACTIVE_ATTEMPT_STATES] } }, take: 1 },
} as const satisfies Prisma.PrinterInclude

type Row = Prisma.PrinterGetPayload<{ include: typeof WITH_ALL }>

const volumeOf = (row: Row): PrinterRecord['buildVolume'] => {
  const { volumeXMm: xMm, volumeYMm: yMm, volumeZMm: zMm } = row
  return xMm === null || yMm === null || zMm === null ? null : { xMm, yMm, zMm }
}

const runtimeOf = ({ runtime }: Row) => {
  if (runtime === null) throw new Error('a printer without its runtime row')
  const { bed, bedSince, state, stateSince, lastSeenAt, leaseOwner, leaseUntil, capabilities } = runtime
  const fileFormats = formatsIn(capabilities)
  return { bed, bedSince, state, stateSince, lastSeenAt, leaseOwner, leaseUntil, fileFormats }
}

const activeAttemptOf = ({ attempts: [active] }: Row): PrinterRecord['activeAttempt'] =>
  active === undefined
    ? null
    : {
        id: active.id,
        jobId: active.jobId,
        state: active.state,
        remoteName: active.remoteName,
        remotePath: active.remotePath,
      }

const recordOf = (row: Row): PrinterRecord => ({
  id: row.id,
  name: row.name,
  kind: row.kind,
  url: row.url,
  apiKeyCipher: row.apiKeyCipher,
  model: row.model,
  groupId: row.groupId,
  locationId: row.locationId,
  enabled: row.enabled,
  maintenance: row.maintenance,
  nozzleDiameterMm: row.nozzleDiameterMm,
  buildVolume: volumeOf(row),
  materials: row.materials.map(({ slot, material, colorHex }) => ({ slot, material, colorHex })),
  version: row.version,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  holds: row.holds.map(({ code, params }) => ({ code, params }) as Reason),
  activeAttempt: activeAttemptOf(row),
  ...runtimeOf(row),
})

const volumeColumns = (volume: PrinterRecord['buildVolume']) => ({
  volumeXMm: volume?.xMm ?? null,
  volumeYMm: volume?.yMm ?? null,
  volumeZMm: volume?.zMm ?? null,
})

const absent = (resource: string, field: string, id: string | null | undefined) =>
  new GantryError('NOT_FOUND', {
    params: { resource, ...(typeof id === 'string' && { id }) },
    fields: { [field]: [`is no ${resource} of this installation`] },
  })

/** What the database refuses of a printer, as the user's mistake that it is. */
const refused =
  ({ name = '', groupId, locationId }: Pick<PrinterPatch, 'name' | 'groupId' | 'locationId'>) =>
  (error: unknown) => {
    if (isUniqueViolation(error, 'printer_name_in_use')) throw new GantryError('NAME_TAKEN', { params: { name } })
    if (isForeignKeyViolation(error, 'printer_group_id_fkey')) throw absent('printer group', 'groupId', groupId)
    if (isForeignKeyViolation(error, 'printer_location_id_fkey')) throw absent('location', 'locationId', locationId)
    throw error
  }

export class PrismaPrinterRepository implements PrinterRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async list(actor: Actor, { limit, cursor, groupId }: PrinterQuery) {
    const rows = await this.tx.printer.findMany({
      where: { AND: [visiblePrinters(actor), olderThan(decodeCursor(cursor)), groupId === null ? {} : { groupId }] },
      include: WITH_ALL,
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }), recordOf)
  }

  async get(actor: Actor, printerId: string) {
    const row = await this.tx.printer.findFirst({
      where: { AND: [visiblePrinters(actor), { id: printerId }] },
      include: WITH_ALL,
    })
    return row === null ? null : recordOf(row)
  }

  async getMany(printerIds: string[]) {
    // An instance that drives nothing asks for nobody, and Prisma would send five statements for it.
    if (printerIds.length === 0) return new Map<string, PrinterRecord>()
    const rows = await this.tx.printer.findMany({
      where: { id: { in: printerIds }, removedAt: null },
      include: WITH_ALL,
    })
    return new Map(rows.map((row) => [row.id, recordOf(row)]))
  }

  async enabledIds() {
    const rows = await this.tx.printer.findMany({ where: { enabled: true, removedAt: null }, select: { id: true } })
    return rows.map(({ id }) => id)
  }

  async create({ buildVolume, materials, ...printer }: NewPrinter) {
    await this.tx.printer
      .create({
        data: {
          ...printer,
          ...volumeColumns(buildVolume),
          materials: { create: materials },
          runtime: { create: {} },
        },
      })
      .catch(refused(printer))
  }

  async update(
    printerId: string,
    { buildVolume, materials, ...patch }: PrinterPatch,
    ifVersion: number | null,
    now: Date,
  ) {
    const { count } = await this.tx.printer
      .updateMany({
        where: { id: printerId, removedAt: null, ...(ifVersion === null ? {} : { version: ifVersion }) },
        data: {
          ...patch,
          ...(buildVolume === undefined ? {} : volumeColumns(buildVolume)),
          version: { increment: 1 },
          updatedAt: now,
        },
      })
      .catch(refused(patch))
    if (count === 1 && materials !== undefined) {
      await this.tx.printerMaterial.deleteMany({ where: { printerId } })
      await this.tx.printerMaterial.createMany({ data: materials.map((loaded) => ({ printerId, ...loaded })) })
    }
    return count === 1
  }

  async remove(printerId: string, now: Date) {
    // The lock that a claim takes: none slips in between the look and the removal.
    await this.tx.$queryRaw`SELECT 1 FROM printer_runtime WHERE printer_id = ${printerId} FOR UPDATE`
    const active = await this.tx.attempt.count({ where: { printerId, state: { in: [...ACTIVE_ATTEMPT_STATES] } } })
    if (active > 0) return false
    await this.tx.printer.update({
      where: { id: printerId },
      data: { removedAt: now, enabled: false, apiKeyCipher: null },
    })
    // Copies that people gave to this printer alone would wait for ever.
    await this.tx.printCopy.updateMany({ where: { onlyPrinterId: printerId }, data: { onlyPrinterId: null } })
    return true
  }
}
