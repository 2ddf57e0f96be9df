import type { PrinterCommandKind } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type { CommandRecord, CommandRepository, CommandResult } from '../modules/printers/printers.ports.js'
import type { Prisma } from './generated/client.js'
import { visiblePrinters } from './scope.js'

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

/** How long after an order's deadline its result may still be on the way here; the host was told before. */
const RESULT_GRACE_SECONDS = 2

export class PrismaCommandRepository implements CommandRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async create(command: Parameters<CommandRepository['create']>[0]) {
    const driven = await this.tx.$queryRaw<unknown[]>`
      WITH ordered AS (
        INSERT INTO printer_command (id, printer_id, kind, attempt_id, deadline_at, created_by_id)
        VALUES (${command.id}, ${command.printerId}, ${command.kind}, ${command.attemptId},
          now() + make_interval(secs => ${command.deadlineSeconds}), ${command.createdById})
      )
      SELECT 1 FROM printer_runtime WHERE printer_id = ${command.printerId} AND lease_until > now()`
    return driven.length === 1
  }

  async get(actor: Actor, commandId: string) {
    const row = await this.tx.printerCommand.findFirst({ where: { id: commandId, printer: visiblePrinters(actor) } })
    return row === null ? null : recordOf(row)
  }

  async take(owner: string, printerIds: string[]) {
    const taken = await this.tx.$queryRaw<{ id: string; leftMs: number }[]>`
      UPDATE printer_command SET state = 'taken', taken_by = ${owner}, taken_at = now()
      WHERE id IN (
        SELECT c.id FROM printer_command c JOIN printer_runtime r ON r.printer_id = c.printer_id
        WHERE c.state = 'pending' AND c.deadline_at > now() AND c.printer_id = ANY(${printerIds})
          AND r.lease_owner = ${owner} AND r.lease_until > now()
        ORDER BY c.created_at LIMIT 100 FOR UPDATE OF c SKIP LOCKED)
      RETURNING id, (extract(epoch FROM deadline_at - now()) * 1000)::float8 AS "leftMs"`
    if (taken.length === 0) return []
    const rows = await this.tx.printerCommand.findMany({
      where: { id: { in: taken.map(({ id }) => id) } },
      orderBy: { createdAt: 'asc' },
    })
    const left = new Map(taken.map(({ id, leftMs }) => [id, leftMs]))
    return rows.map((row) => ({ ...recordOf(row), leftMs: left.get(row.id) ?? 0 }))
  }

  async putBack(commandId: string, owner: string) {
    await this.tx.printerCommand.updateMany({
      where: { id: commandId, state: 'taken', takenBy: owner },
      data: { state: 'pending', takenBy: null, takenAt: null },
    })
  }

  async finish(commandId: string, owner: string, result: CommandResult) {
    const error = result.state === 'failed' ? result : { errorCode: null, errorDetail: null }
    const changed = await this.tx.$executeRaw`
      UPDATE printer_command SET state = ${result.state}::printer_command_state, finished_at = now(),
        error_code = ${error.errorCode}, error_detail = ${error.errorDetail}
      WHERE id = ${commandId} AND state = 'taken' AND taken_by = ${owner}`
    return changed === 1
  }

  async carriedOutElsewhere(commandId: string) {
    const changed = await this.tx.$executeRaw`
      UPDATE printer_command SET state = 'done', finished_at = now(), error_code = NULL, error_detail = NULL
      WHERE id = ${commandId} AND state <> 'done'`
    return changed === 1
  }

  async expire() {
    const ended = await this.tx.$queryRaw<{ id: string }[]>`
      UPDATE printer_command SET finished_at = now(),
        state = CASE state WHEN 'pending' THEN 'expired' ELSE 'failed' END::printer_command_state,
        error_code = CASE state WHEN 'taken' THEN 'PRINTER_TIMEOUT' END,
        error_detail = CASE state WHEN 'taken' THEN 'the server that carried it out did not say what became of it' END
      WHERE id IN (
        SELECT id FROM printer_command
        WHERE (state = 'pending' AND deadline_at <= now())
           OR (state = 'taken' AND deadline_at <= now() - make_interval(secs => ${RESULT_GRACE_SECONDS}))
        ORDER BY deadline_at LIMIT 100 FOR UPDATE SKIP LOCKED)
      RETURNING id`
    if (ended.length === 0) return []
    return (await this.tx.printerCommand.findMany({ where: { id: { in: ended.map(({ id }) => id) } } })).map(recordOf)
  }
}
