import type { PastPrintRepository } from '../modules/print-jobs/print-jobs.ports.js'
import type { Prisma } from './generated/client.js'

export class PrismaPastPrintRepository implements PastPrintRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async known(printerId: string) {
    const row = await this.tx.pastPrints.findUnique({ where: { printerId }, select: { marks: true } })
    return row === null ? null : new Set(row.marks)
  }

  async remember(printerId: string, marks: string[], now: Date) {
    const data = { marks, lookedAt: now }
    await this.tx.pastPrints.upsert({ where: { printerId }, create: { printerId, ...data }, update: data })
  }
}
