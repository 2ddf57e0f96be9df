import type {
  AttemptState,
  BedState,
  BuildVolume,
  FileFormat,
  LoadedMaterial,
  Page,
  PrinterCommandKind,
  PrinterKind,
  Reason,
} from '@gantry/schemas'

import type { Actor, SealedAt } from '../../kernel/index.js'
import type { DriverErrorCode, HostReport, PermissionProbe, PrinterDriver } from './printer-driver.port.js'
import type { PendingCommand } from './printer.state.js'

/** A printer as it stands in the database. */
export interface PrinterRecord {
  id: string
  name: string
  kind: PrinterKind
  url: string
  apiKeyCipher: string | null
  model: string | null
  groupId: string | null
  locationId: string | null
  enabled: boolean
  maintenance: boolean
  nozzleDiameterMm: number | null
  buildVolume: BuildVolume | null
  materials: LoadedMaterial[]
  /** What the host prints, by what its driver said when it last connected. */
  fileFormats: FileFormat[]
  version: number
  createdAt: Date
  updatedAt: Date
  bed: BedState
  bedSince: Date
  state: string
  stateSince: Date
  lastSeenAt: Date | null
  leaseOwner: string | null
  leaseUntil: Date | null
  holds: Reason[]
  activeAttempt: {
    id: string
    jobId: string
    state: AttemptState
    remoteName: string
    remotePath: string | null
  } | null
}

/** What the instance that drives a printer knows of it just now; travels as telemetry and is stored nowhere. */
export interface PrinterLive {
  printerId: string
  /** The run of the server that speaks; `seq` counts within it. */
  boot: string
  seq: number
  /** When this was said, by the speaker's clock. */
  atMs: number
  link: 'connecting' | 'connected' | 'down'
  linkError: { code: DriverErrorCode; message: string } | null
  /** Null until the first full report of this connection. */
  report: HostReport | null
  permissions: PermissionProbe | null
  pending: PendingCommand | null
  /** Until when it is given no copy, since it gave the last one back; by the speaker's clock. Null: it does not rest. */
  restsUntilMs: number | null
}

export interface NewPrinter {
  id: string
  name: string
  kind: PrinterKind
  url: string
  apiKeyCipher: string | null
  model: string | null
  groupId: string | null
  locationId: string | null
  nozzleDiameterMm: number | null
  buildVolume: BuildVolume | null
  materials: LoadedMaterial[]
  createdById: string
}

export interface PrinterPatch {
  name?: string
  url?: string
  apiKeyCipher?: string | null
  model?: string | null
  groupId?: string | null
  locationId?: string | null
  enabled?: boolean
  maintenance?: boolean
  nozzleDiameterMm?: number | null
  buildVolume?: BuildVolume | null
  materials?: LoadedMaterial[]
}

export interface PrinterQuery {
  limit: number
  cursor: string | null
  groupId: string | null
}

/** Printers that were not removed, as far as the actor's scope reaches. */
export interface PrinterRepository {
  list(actor: Actor, query: PrinterQuery): Promise<Page<PrinterRecord>>
  get(actor: Actor, printerId: string): Promise<PrinterRecord | null>
  /** For who drives printers, whatever their group; by id, and without those that are removed. */
  getMany(printerIds: string[]): Promise<Map<string, PrinterRecord>>
  /** Of all that are to be driven, for health and metrics. */
  enabledIds(): Promise<string[]>
  /** @throws GantryError `NAME_TAKEN`, `NOT_FOUND` naming the field of a group or location that is not there */
  create(printer: NewPrinter): Promise<void>
  /** @returns false when the row has another version than `ifVersion` meanwhile. @throws as `create` */
  update(printerId: string, patch: PrinterPatch, ifVersion: number | null, now: Date): Promise<boolean>
  /** @returns false while a copy is in hand there: then nothing is changed */
  remove(printerId: string, now: Date): Promise<boolean>
}

export interface BedRepository {
  /** Locks the printer's runtime row. */
  lock(printerId: string): Promise<{ bed: BedState; since: Date }>
  /** Locks the printer's runtime row. @returns whether the bed changed; null when an attempt is active on the printer */
  clear(printerId: string, byId: string, now: Date): Promise<boolean | null>
  /**
   * Marks the bed occupied by a print that Gantry did not order, also for a claim that would put back what it found.
   * @param anew whether an occupied bed counts as occupied since now, so that who saw it before cannot clear it
   * @returns whether it changed
   */
  occupy(printerId: string, now: Date, anew?: boolean): Promise<boolean>
  /** Puts back the value that a claim had found. */
  restore(printerId: string, bed: BedState, now: Date): Promise<void>
}

export interface LeaseGrant {
  printerId: string
  epoch: number
}

/** The state in which a printer is shown. */
export interface PrinterState {
  printerId: string
  state: string
}

export interface StateChange {
  printerId: string
  from: string
  to: string
}

/** How many printers there are for how many living instances. */
export interface FleetSituation {
  printers: number
  /** Printers that no living lease covers. */
  free: number
  /** How many printers each living instance can drive, the asking one among them. */
  capacities: number[]
}

/** Leases and what the driving instance writes about its printers. All times are the database's. */
export interface FleetRepository {
  /** This instance lives, and counts when printers are shared out, for so long. */
  announce(owner: string, capacity: number, forSeconds: number): Promise<void>
  /** It counts no more. */
  leave(owner: string): Promise<void>
  situation(): Promise<FleetSituation>
  /**
   * Renews the leases that this owner still has among `held`, and notes of those in `seen` that their hosts spoke.
   * @returns what it has; what is missing was lost, or was removed
   */
  renew(owner: string, held: string[], seen: string[], leaseSeconds: number): Promise<LeaseGrant[]>
  /** Takes printers that nobody drives, and those whose lease this owner has without knowing of it; none of `except`. */
  acquire(owner: string, limit: number, except: string[], leaseSeconds: number): Promise<LeaseGrant[]>
  /**
   * Ends the right to act on up to `limit` of these printers, without giving their leases away yet: their epoch grows, so
   * that nothing is claimed under the old one. Idle printers first, then those that print; none with a copy between its
   * claim and its confirmed start.
   * @returns the printers
   */
  retire(owner: string, held: string[], limit: number): Promise<string[]>
  release(owner: string, printerIds: string[]): Promise<void>
  releaseAllBut(owner: string, printerIds: string[]): Promise<void>
  /** @param states one for each printer. @returns the changes, without those whose state was the same or whose lease is not ours */
  saveStates(owner: string, states: PrinterState[], now: Date): Promise<StateChange[]>
  saveHost(printerId: string, host: { product: string; uniqueId: string | null; capabilities: string[] }): Promise<void>
}

export interface CommandRecord {
  id: string
  printerId: string
  kind: PrinterCommandKind
  attemptId: string | null
  state: 'pending' | 'taken' | 'done' | 'failed' | 'expired'
  errorCode: string | null
  errorDetail: string | null
}

export interface TakenCommand extends CommandRecord {
  /** Until its deadline, when it was taken. */
  leftMs: number
}

export type CommandResult =
  { state: 'done' } | { state: 'expired' } | { state: 'failed'; errorCode: string; errorDetail: string }

export interface CommandRepository {
  /** @returns whether an instance drives the printer */
  create(command: {
    id: string
    printerId: string
    kind: PrinterCommandKind
    attemptId: string | null
    deadlineSeconds: number
    createdById: string
  }): Promise<boolean>
  get(actor: Actor, commandId: string): Promise<CommandRecord | null>
  /** Takes what is pending and not past its deadline for these printers; each command is taken once. */
  take(owner: string, printerIds: string[]): Promise<TakenCommand[]>
  /** Lets another instance take what this one took and told nobody. */
  putBack(commandId: string, owner: string): Promise<void>
  /** @returns false when the command is not in this owner's hands any more */
  finish(commandId: string, owner: string, result: CommandResult): Promise<boolean>
  /** The host was told by somebody else than the instance that drives the printer. @returns false when it was done already */
  carriedOutElsewhere(commandId: string): Promise<boolean>
  /** Ends what nobody took in time (`expired`), and what was taken by a server that died over it (`failed`). @returns both */
  expire(): Promise<CommandRecord[]>
}

/** Seals secrets before they are stored, each for one row and column; nothing else can read them. */
export interface CredentialSealer {
  seal(plain: string, at: SealedAt): string
  /** @throws Error when it was sealed for another place, was changed, or its key is not known here */
  open(cipher: string, at: SealedAt): string
}

/** Where a printer's key is sealed for. */
export const printerKeyAt = (id: string): SealedAt => ({ place: 'printer.api_key_cipher', id })

export interface DriverRegistry {
  driverFor(kind: PrinterKind): PrinterDriver
}

/** Hears of the connections to printer hosts, by kind. Our own stopping is nothing to hear of. */
export interface LinkObserver {
  /** @param again whether there was a connection before */
  connected(kind: PrinterKind, again: boolean): void
  failed(kind: PrinterKind, code: DriverErrorCode | null): void
  /** @param code null when people changed what the connection depends on */
  lost(kind: PrinterKind, code: DriverErrorCode | null): void
}
