import type {
  CreatePrinterInput,
  LoadedMaterial,
  Page,
  Printer,
  PrinterCommandKind,
  PrinterStatusEvent,
  UpdatePrinterInput,
} from '@gantry/schemas'

import {
  GantryError,
  invalidField,
  newId,
  notFound,
  type Actor,
  type AnyReads,
  type EventBus,
  type EventType,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import type { HoldRepository } from './holds.ports.js'
import { expectGroup } from './group-scope.js'
import { checkHost } from './host-check.js'
import type { CommandDesk } from './command-desk.js'
import { composeStatus } from './printer-status.js'
import { isBusy } from './printer.state.js'
import type {
  BedRepository,
  CredentialSealer,
  DriverRegistry,
  PrinterPatch,
  PrinterQuery,
  PrinterRecord,
  PrinterRepository,
} from './printers.ports.js'
import { printerKeyAt } from './printers.ports.js'
import type { StatusBoard } from './status-board.js'
import { statusStream } from './status-stream.js'

interface Repositories {
  printers: PrinterRepository
  beds: BedRepository
  holds: HoldRepository
  alarms: AlarmRepository
}

export interface PrintersServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Pick<Repositories, 'printers'>>
  lists: AnyReads<{ printers: Pick<PrinterRepository, 'list'> }>
  board: StatusBoard
  bus: EventBus
  desk: CommandDesk
  drivers: DriverRegistry
  sealer: CredentialSealer
}

/** Printers as people see, configure and order them about. */
export class PrintersService {
  constructor(private readonly deps: PrintersServiceDeps) {}

  async list(actor: Actor, query: PrinterQuery): Promise<Page<Printer>> {
    const page = await this.deps.lists.read(actor, ({ printers }) => printers.list(actor, query))
    return { ...page, items: page.items.map((record) => this.present(record)) }
  }

  /** @throws GantryError `NOT_FOUND` */
  async get(actor: Actor, printerId: string): Promise<Printer> {
    return this.present(await this.find(actor, printerId))
  }

  /** @throws GantryError `NAME_TAKEN`, `NOT_FOUND` for group or location, `PRINTER_…` when the host does not answer as it should */
  async create(actor: Actor, { idempotencyKey, ...order }: CreatePrinterInput): Promise<Printer> {
    const { drivers, sealer, unitOfWork } = this.deps
    const { apiKey, checkConnection, ...input } = order
    expectGroup(actor, input.groupId ?? null)
    const call = { actorId: actor.id, key: idempotencyKey ?? '', procedure: 'printers.create', input: order }
    // A repeated order gets its answer although the host may be off by now.
    const earlier = idempotencyKey === undefined ? null : await unitOfWork.recall<{ id: string }>(call)
    if (earlier !== null) return this.get(actor, earlier.id)
    if (checkConnection) await checkHost(drivers, input.kind, { url: input.url, apiKey: apiKey ?? null })
    const id = newId('printer')
    const printer = {
      id,
      name: input.name,
      kind: input.kind,
      url: input.url,
      apiKeyCipher: apiKey === undefined ? null : sealer.seal(apiKey, printerKeyAt(id)),
      model: input.model ?? null,
      groupId: input.groupId ?? null,
      locationId: input.locationId ?? null,
      nozzleDiameterMm: input.nozzleDiameterMm ?? null,
      buildVolume: input.buildVolume ?? null,
      materials: distinctSlots(input.materials),
      createdById: actor.id,
    }
    const store = async (tx: Repositories & TransactionContext): Promise<{ id: string }> => {
      await tx.printers.create(printer)
      tx.record(aboutPrinter('printer.created', id, printer.groupId), actor.id)
      return { id }
    }
    const created = await (idempotencyKey === undefined ? unitOfWork.run(store) : unitOfWork.once(call, store))
    return this.get(actor, created.id)
  }

  /**
   * A stored key goes to the host it was typed in for, and to no other.
   * @throws GantryError `NOT_FOUND`, `VALIDATION_FAILED` for another host without a word on the key, `VERSION_CONFLICT`,
   *   `NAME_TAKEN`, `PRINTER_…`
   */
  async update(
    actor: Actor,
    { id, ifVersion, apiKey, checkConnection, ...input }: UpdatePrinterInput,
  ): Promise<Printer> {
    const before = await this.find(actor, id)
    if (input.groupId !== undefined) expectGroup(actor, input.groupId)
    const url = input.url ?? before.url
    const isMoved = new URL(url).origin !== new URL(before.url).origin
    if (isMoved && apiKey === undefined && before.apiKeyCipher !== null)
      throw invalidField('apiKey', 'must be given with the URL of another host, or be null')
    const key = apiKey === undefined ? this.openKey(before) : apiKey
    const connectsElse = input.url !== undefined || apiKey !== undefined
    if (connectsElse && checkConnection) await checkHost(this.deps.drivers, before.kind, { url, apiKey: key })
    const seal = (plain: string) => this.deps.sealer.seal(plain, printerKeyAt(id))
    const sealed = apiKey === undefined ? {} : { apiKeyCipher: apiKey === null ? null : seal(apiKey) }
    // What was stored since has not been looked at.
    return this.change(actor, id, { ...input, ...sealed }, ifVersion ?? (isMoved ? before.version : null))
  }

  /** @throws GantryError `NOT_FOUND`, `VERSION_CONFLICT` */
  setMaterials(
    actor: Actor,
    input: { id: string; materials: LoadedMaterial[]; ifVersion?: number | undefined },
  ): Promise<Printer> {
    return this.change(actor, input.id, { materials: distinctSlots(input.materials) }, input.ifVersion ?? null)
  }

  /**
   * The person at the printer says that the bed is empty.
   * @param ifBedSince since when it was occupied as that person saw it; null: whatever lies there
   * @throws GantryError `NOT_FOUND`, `INVALID_STATE` while it prints, or when something else lies there by now
   */
  async clearBed(actor: Actor, printerId: string, ifBedSince: Date | null): Promise<Printer> {
    await this.find(actor, printerId)
    const host = this.deps.board.get(printerId)?.report
    if (host != null && isBusy(host.state))
      throw new GantryError('INVALID_STATE', { params: { detail: 'the printer is printing' } })
    await this.deps.unitOfWork.run(async (tx) => {
      await expectBed(tx, printerId, ifBedSince)
      const changed = await tx.beds.clear(printerId, actor.id, tx.now)
      if (changed === null)
        throw new GantryError('INVALID_STATE', { params: { detail: 'the printer still works on a copy' } })
      if (changed)
        tx.record(
          { ...onPrinter(printerId), type: 'printer.bed_changed', payload: { printerId, bed: 'clear' } },
          actor.id,
        )
      // Whoever took it off the bed knows of the print.
      for (const alarmId of await tx.alarms.clear('FOREIGN_PRINT', onPrinter(printerId), tx.now, { over: true }))
        tx.record({ ...onAlarm(alarmId), type: 'alarm.cleared', payload: { alarmId, code: 'FOREIGN_PRINT' } }, actor.id)
    })
    return this.get(actor, printerId)
  }

  /** Takes the printer out of dispatching until somebody releases it; what it prints goes on. */
  async hold(actor: Actor, printerId: string, note: string | null): Promise<Printer> {
    await this.find(actor, printerId)
    await this.deps.unitOfWork.run(async (tx) => {
      const isNew = await tx.holds.open({ printerId }, { code: 'SET_BY_PERSON', params: { note } }, actor.id)
      if (isNew)
        tx.record(
          { ...onPrinter(printerId), type: 'printer.held', payload: { printerId, code: 'SET_BY_PERSON' } },
          actor.id,
        )
    })
    return this.get(actor, printerId)
  }

  /**
   * The person has looked: every hold on the printer is released.
   * @param ifBedSince as for {@link clearBed}: what came onto the bed later may be held for another reason
   * @throws GantryError `INVALID_STATE` while an attempt is unknown, or when something else lies on the bed by now
   */
  async release(actor: Actor, printerId: string, ifBedSince: Date | null): Promise<Printer> {
    const { holds, activeAttempt } = await this.find(actor, printerId)
    if (activeAttempt !== null && holds.some(({ code }) => code !== 'SET_BY_PERSON')) {
      throw new GantryError('INVALID_STATE', { params: { detail: 'say first what became of the copy in question' } })
    }
    await this.deps.unitOfWork.run(async (tx) => {
      await expectBed(tx, printerId, ifBedSince)
      for (const code of await tx.holds.release({ printerId }, 'all', actor.id, tx.now)) {
        tx.record({ ...onPrinter(printerId), type: 'printer.released', payload: { printerId, code } }, actor.id)
      }
    })
    return this.get(actor, printerId)
  }

  /** @throws GantryError `NOT_FOUND`, `COMMAND_EXPIRED`, `PRINTER_…` */
  async command(actor: Actor, printerId: string, kind: PrinterCommandKind): Promise<Printer> {
    const record = await this.find(actor, printerId)
    await this.deps.desk.order(actor, record, kind)
    // A machine that stands still must not be told as a failure because the database hangs, and its row is the same.
    return kind === 'emergency_stop' ? this.present(record) : this.get(actor, printerId)
  }

  /** @throws GantryError `NOT_FOUND`, `INVALID_STATE` while a copy is in hand */
  async remove(actor: Actor, printerId: string): Promise<void> {
    const { groupId } = await this.find(actor, printerId)
    await this.deps.unitOfWork.run(async (tx) => {
      if (!(await tx.printers.remove(printerId, tx.now)))
        throw new GantryError('INVALID_STATE', { params: { detail: 'the printer still works on a copy' } })
      tx.record(aboutPrinter('printer.removed', printerId, groupId), actor.id)
    })
    this.deps.board.forget(printerId)
  }

  /** The live status of every printer that the actor may see. */
  watch(actor: Actor, signal: AbortSignal): AsyncGenerator<PrinterStatusEvent, void, void> {
    return statusStream(this.deps, actor, signal)
  }

  /** The printer with the latest word of its host. */
  present(record: PrinterRecord): Printer {
    const { board } = this.deps
    const { id, name, kind, url, model, groupId, locationId, enabled, nozzleDiameterMm, buildVolume, materials } =
      record
    const { version, createdAt, updatedAt } = record
    return {
      ...{ id, name, kind, url, model, groupId, locationId, enabled, nozzleDiameterMm, buildVolume, materials },
      ...{ version, createdAt, updatedAt },
      hasApiKey: record.apiKeyCipher !== null,
      status: composeStatus(record, board.get(id), board.clock.now()),
    }
  }

  private async change(
    actor: Actor,
    printerId: string,
    patch: PrinterPatch,
    ifVersion: number | null,
  ): Promise<Printer> {
    const { groupId } = await this.find(actor, printerId)
    await this.deps.unitOfWork.run(async (tx) => {
      if (!(await tx.printers.update(printerId, patch, ifVersion, tx.now))) throw new GantryError('VERSION_CONFLICT')
      tx.record(aboutPrinter('printer.updated', printerId, groupId), actor.id)
    })
    return this.get(actor, printerId)
  }

  private async find(actor: Actor, printerId: string): Promise<PrinterRecord> {
    const record = await this.deps.reads.printers.get(actor, printerId)
    if (record === null) throw notFound('printer', printerId)
    return record
  }

  private openKey({ id, apiKeyCipher }: PrinterRecord): string | null {
    return apiKeyCipher === null ? null : this.deps.sealer.open(apiKeyCipher, printerKeyAt(id))
  }
}

/** An order that was under way for long must not be taken for a word on what has come onto the bed since. */
const expectBed = async (tx: Repositories, printerId: string, ifBedSince: Date | null): Promise<void> => {
  if (ifBedSince === null) return
  const { bed, since } = await tx.beds.lock(printerId)
  if (bed === 'occupied' && since.getTime() !== ifBedSince.getTime())
    throw new GantryError('INVALID_STATE', { params: { detail: 'something else lies on the bed by now' } })
}

/** The last word on a slot counts. */
const distinctSlots = (materials: LoadedMaterial[]): LoadedMaterial[] => [
  ...new Map(materials.map((loaded) => [loaded.slot, loaded])).values(),
]

const onPrinter = (printerId: string) => ({ subjectType: 'printer' as const, subjectId: printerId })

const onAlarm = (alarmId: string) => ({ subjectType: 'alarm', subjectId: alarmId })

const aboutPrinter = <T extends EventType & `printer.${'created' | 'updated' | 'removed'}`>(
  type: T,
  printerId: string,
  printerGroupId: string | null,
) => ({
  ...onPrinter(printerId),
  type,
  printerGroupId,
  payload: { printerId },
})
