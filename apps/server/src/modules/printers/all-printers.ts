import type { Actor } from '../../kernel/index.js'
import type { PrinterRecord, PrinterRepository } from './printers.ports.js'

const PAGE = 200

/** Every printer that the actor may see, newest first, by id. */
export const allPrinters = async (printers: PrinterRepository, actor: Actor): Promise<Map<string, PrinterRecord>> => {
  const all = new Map<string, PrinterRecord>()
  for (let cursor: string | null = null; ;) {
    const page = await printers.list(actor, { limit: PAGE, cursor, groupId: null })
    for (const record of page.items) all.set(record.id, record)
    if (page.nextCursor === null) return all
    cursor = page.nextCursor
  }
}
