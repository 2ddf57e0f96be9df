import type { Reason, ReasonCode } from '@gantry/schemas'

import { newId } from '../kernel/index.js'
import type { HoldRepository, HoldSubject } from '../modules/printers/holds.ports.js'
import type { Prisma } from './generated/client.js'

const columnsOf = (subject: HoldSubject) =>
  'printerId' in subject
    ? { subject: 'printer', printerId: subject.printerId, jobId: null }
    : { subject: 'print_job', printerId: null, jobId: subject.jobId }

export class PrismaHoldRepository implements HoldRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async open(subject: HoldSubject, reason: Reason, createdById: string | null) {
    const { subject: kind, printerId, jobId } = columnsOf(subject)
    // The partial unique indexes say which holds are the same; a conflict on either means that it is open already.
    const opened = await this.tx.$executeRaw`
      INSERT INTO hold (id, subject, printer_id, job_id, code, params, created_by_id)
      VALUES (${newId('hold')}, ${kind}::hold_subject, ${printerId}, ${jobId}, ${reason.code}, ${JSON.stringify(reason.params)}::jsonb, ${createdById})
      ON CONFLICT DO NOTHING`
    return opened === 1
  }

  async release(subject: HoldSubject, codes: ReasonCode[] | 'all', releasedById: string, now: Date) {
    const { printerId, jobId } = columnsOf(subject)
    const open = await this.tx.hold.findMany({
      where: { printerId, jobId, releasedAt: null, ...(codes === 'all' ? {} : { code: { in: codes } }) },
    })
    if (open.length === 0) return []
    await this.tx.hold.updateMany({
      where: { id: { in: open.map(({ id }) => id) } },
      data: { releasedAt: now, releasedById },
    })
    return open.map(({ code }) => code as ReasonCode)
  }
}
