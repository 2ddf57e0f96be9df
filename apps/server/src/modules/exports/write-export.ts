import { GantryError, type Scope } from '../../kernel/index.js'
import type { PendingFile } from '../files/file-storage.port.js'
import { documentOf } from './document.js'
import type { ExportRecord, ExportTables, RowsOf } from './exports.ports.js'

export interface WriteExportOptions {
  tables: ExportTables
  record: ExportRecord
  /** Of who ordered it, as it is now. */
  projects: Scope['projects']
  to: PendingFile
  signal: AbortSignal
  pageSize: number
  maxBytes: number
  /** Is told after each page, and may stop it all by throwing. */
  onRows: (rows: { total: number; written: number }) => Promise<void>
}

/**
 * Writes the document page by page: no more of it is in memory than one page, and the next page is read when this one
 * has been taken by the disk.
 * @returns how many rows there are
 * @throws GantryError `STORAGE_FULL`, `FILE_TOO_LARGE`, `UNAVAILABLE`
 */
export const writeExport = async (options: WriteExportOptions): Promise<number> => {
  const { tables, record, projects, to, signal, pageSize, maxBytes, onRows } = options
  const of: RowsOf = record.scope === 'farm' ? 'farm' : { userId: record.createdById, projects }
  const document = documentOf(record)
  let sizeBytes = 0
  const write = async (bytes: Buffer) => {
    sizeBytes += bytes.length
    if (sizeBytes > maxBytes) throw new GantryError('FILE_TOO_LARGE', { params: { limitBytes: maxBytes } })
    if (bytes.length > 0) await to.write(bytes)
  }
  const names = tables.names(record.kind, of)
  let total = 0
  for (const name of names) {
    signal.throwIfAborted()
    total += await tables.count(name, of)
    await onRows({ total, written: 0 })
  }
  let written = 0
  await write(document.open())
  for (const name of names) {
    await write(document.beginTable(name, tables.columns(name, of)))
    let after: string | null = null
    do {
      signal.throwIfAborted()
      const page = await tables.page(name, of, after, pageSize)
      await write(document.rows(page.rows))
      written += page.rows.length
      await onRows({ total, written })
      after = page.next
    } while (after !== null)
    await write(document.endTable())
  }
  await write(document.close())
  return written
}
