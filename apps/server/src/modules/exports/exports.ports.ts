import type { ErrorCode, ExportFormat, ExportKind, ExportScope, ExportState, Page } from '@gantry/schemas'
import type { Readable } from 'node:stream'

import type { Actor, Scope } from '../../kernel/index.js'
import type { ByteRange, PendingFile, StoredFile } from '../files/file-storage.port.js'

export interface NewExport {
  id: string
  kind: ExportKind
  scope: ExportScope
  format: ExportFormat
  createdById: string
  /** The job that makes it. */
  jobId: string
}

export interface ExportRecord extends NewExport {
  state: ExportState
  rowsTotal: number
  rowsWritten: number
  storedName: string | null
  sizeBytes: number | null
  errorCode: ErrorCode | null
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  expiresAt: Date | null
}

/** One try to write an export; `id` tells it from every other. */
export interface ExportRun {
  exportId: string
  id: string
}

export interface FinishedExport {
  storedName: string
  sizeBytes: number
  rowsWritten: number
  expiresAt: Date
}

/** Exports belong to who ordered them; nobody else sees them, not even an admin. */
export interface ExportRepository {
  list(actor: Actor, query: { limit: number; cursor: string | null }): Promise<Page<ExportRecord>>
  get(actor: Actor, exportId: string): Promise<ExportRecord | null>
  /** Nobody else orders for this user until the transaction ends. @returns how many there are, unfinished and with files */
  lockOwned(userId: string): Promise<{ open: number; ready: number }>
  /** Without effect when there is one of this id. */
  create(row: NewExport): Promise<void>
  /** Hides it and stops who writes it. @returns null when there is none */
  remove(actor: Actor, exportId: string, now: Date): Promise<{ storedName: string | null } | null>

  /**
   * For a link that was checked: the finished export that still has its file, and whose owner's scope is none that was set
   * after it was begun: it may hold what the owner sees no more.
   */
  findReady(exportId: string): Promise<ExportRecord | null>

  /**
   * Makes this run the one that writes the export; of several at once one does.
   * @param silentMs another run that has said nothing for so long counts as dead
   * @returns `busy` while another run writes it; `over` when there is nothing left to write
   */
  begin(run: ExportRun, silentMs: number): Promise<ExportRecord | 'busy' | 'over'>
  /** Tells how far the run is, and that it lives. @returns false when the export was removed or taken over */
  report(run: ExportRun, rows: { total: number; written: number }): Promise<boolean>
  /** Whether it was not removed. */
  exists(exportId: string): Promise<boolean>
  /** Lets another run begin at once. */
  release(run: ExportRun): Promise<void>
  /** @returns false when the export was removed or taken over */
  finish(run: ExportRun, finished: FinishedExport, now: Date): Promise<boolean>
  /** @returns false when it was removed, or is over */
  fail(exportId: string, code: ErrorCode, now: Date): Promise<boolean>

  /** Exports that nobody writes any more: their job is dead, or gone. */
  abandoned(limit: number): Promise<{ id: string; createdById: string }[]>
  /** Takes the files from exports whose time is over. @returns the names of the files */
  expire(limit: number): Promise<string[]>
  /** Which of these names belong to a finished export. */
  stored(names: readonly string[]): Promise<string[]>
  /** Forgets exports that ended so long ago. @returns how many, at most `limit` */
  forget(days: number, limit: number): Promise<number>
}

/** Whose rows: those of one user, or all. */
export type RowsOf = { userId: string; projects: Scope['projects'] } | 'farm'

/** What stands in a row, as PostgreSQL's driver gives it; an object is JSON. */
export type Cell = string | number | boolean | Date | object | null

export interface RowPage {
  rows: Cell[][]
  /** Where the next page begins; null on the last. */
  next: string | null
}

/** The tables that can be exported, by columns that are named one by one: no secret is among them. */
export interface ExportTables {
  /** The names of the tables of one kind, in their order. */
  names(kind: ExportKind, of: RowsOf): readonly string[]
  columns(table: string, of: RowsOf): readonly string[]
  count(table: string, of: RowsOf): Promise<number>
  page(table: string, of: RowsOf, after: string | null, limit: number): Promise<RowPage>
}

/** The bytes of an export, piece by piece and in this order: open, then for each table begin, rows, end; then close. */
export interface ExportDocument {
  open(): Buffer
  beginTable(name: string, columns: readonly string[]): Buffer
  /** @throws GantryError `FILE_TOO_LARGE` for more than the format can hold */
  rows(rows: readonly Cell[][]): Buffer
  endTable(): Buffer
  close(): Buffer
}

/** Files that are complete or not there, by names that only the server chooses. */
export interface ExportStorage {
  /** @throws GantryError `STORAGE_FULL` */
  begin(): Promise<PendingFile>
  /** @throws GantryError `NOT_FOUND` */
  open(name: string, range?: ByteRange): Promise<Readable>
  stat(name: string): Promise<StoredFile | null>
  /** False if there was none. Streams that are open already read on to their end. */
  delete(name: string): Promise<boolean>
  /** The names of files that are older. */
  names(olderThan: Date): Promise<string[]>
  /** Removes what a killed process left half written. @returns how many files that were */
  sweepTemporary(olderThan: Date, signal: AbortSignal): Promise<number>
}
