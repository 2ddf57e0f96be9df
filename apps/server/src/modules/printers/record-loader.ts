import type { UnitOfWork } from '../../kernel/index.js'
import type { PrinterRecord, PrinterRepository } from './printers.ports.js'

interface Asked {
  resolve: (record: PrinterRecord | null) => void
  reject: (error: unknown) => void
}

/**
 * Reads printers' rows, many in one query: what is asked for while a read is under way is read by the next, so that
 * hundreds of printers that change at once cost a few reads. A row is never older than the call that asked for it.
 */
export class RecordLoader {
  private asked = new Map<string, Asked[]>()
  private reading = false

  constructor(private readonly unitOfWork: UnitOfWork<{ printers: PrinterRepository }>) {}

  /** Null when there is no such printer, or it was removed. */
  load(printerId: string): Promise<PrinterRecord | null> {
    return new Promise((resolve, reject) => {
      this.asked.set(printerId, [...(this.asked.get(printerId) ?? []), { resolve, reject }])
      if (!this.reading) void this.readAll()
    })
  }

  private async readAll(): Promise<void> {
    this.reading = true
    while (this.asked.size > 0) {
      const batch = this.asked
      this.asked = new Map()
      try {
        const records = await this.unitOfWork.run(({ printers }) => printers.getMany([...batch.keys()]))
        for (const [id, waiting] of batch) for (const { resolve } of waiting) resolve(records.get(id) ?? null)
      } catch (error) {
        for (const { reject } of [...batch.values()].flat()) reject(error)
      }
    }
    this.reading = false
  }
}
