import type { PrinterCommandKind } from '@gantry/schemas'

import type { CommandRecord, CommandRepository } from '../modules/printers/printers.ports.js'
import type { Prisma } from './generated/client.js'

const recordOf = (row: {
  id: string
  printerId: string
  kind: string
  attemptId: string | null
  state: CommandRecord['state']
  errorCode: string | null
  errorDetail: string | null
}): CommandRecord => ({
  id: row.id,
  printerId: row.printerId,
  kind: row.kind as PrinterCommandKind,
  attemptId: row.attemptId,
  state: row.state,
  errorCode: row.errorCode,
  errorDetail: row.errorDetail,
})

export class PrismaCommandRepository implements CommandRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async create(command: Parameters<CommandRepository['create']>[0]) {
    await this.tx.$executeRaw`
      INSERT INTO printer_command (id, printer_id, kind, attempt_id, deadline_at, created_by_id)
      VALUES (${command.id}, ${command.printerId}, ${command.kind}, ${command.attemptId},
        now() + make_interval(secs => ${command.deadlineSeconds}), ${command.createdById})`
  }

  async get(commandId: string) {
    const row = await this.tx.printerCommand.findUnique({ where: { id: commandId } })
    return row === null ? null : recordOf(row)
  }

  async take(owner: string, printerIds: string[]) {
    const taken = await this.tx.$queryRaw<{ id: string }[]>`
      UPDATE printer_command SET state = 'taken', taken_by = ${owner}, taken_at = now()
      WHERE id IN (
        SELECT c.id FROM printer_command c JOIN printer_runtime r ON r.printer_id = c.printer_id
        WHERE c.state = 'pending' AND c.deadline_at > now() AND c.printer_id = ANY(${printerIds})
          AND r.lease_owner = ${owner} AND r.lease_until > now()
        ORDER BY c.created_at LIMIT 100 FOR UPDATE OF c SKIP LOCKED)
      RETURNING id`
    if (taken.length === 0) return []
    const rows = await this.tx.printerCommand.findMany({
      where: { id: { in: taken.map(({ id }) => id) } },
      orderBy: { createdAt: 'asc' },
    })
    return rows.map(recordOf)
  }

  async finish(commandId: string, result: Parameters<CommandRepository['finish']>[1]) {
    const error = result.state === 'failed' ? result : { errorCode: null, errorDetail: null }
    await this.tx.$executeRaw`
      UPDATE printer_command SET state = ${result.state}::printer_command_state, finished_at = now(),
        error_code = ${error.errorCode}, error_detail = ${error.errorDetail}
      WHERE id = ${commandId} AND state = 'taken'`
  }

  async expire() {
    const expired = await this.tx.$queryRaw<{ id: string }[]>`
      UPDATE printer_command SET state = 'expired', finished_at = now()
      WHERE id IN (
        SELECT id FROM printer_command WHERE state = 'pending' AND deadline_at <= now()
        ORDER BY deadline_at LIMIT 100 FOR UPDATE SKIP LOCKED)
      RETURNING id`
    if (expired.length === 0) return []
    return (await this.tx.printerCommand.findMany({ where: { id: { in: expired.map(({ id }) => id) } } })).map(recordOf)
  }
}
