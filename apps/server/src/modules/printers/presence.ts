import type { PrintersHealth } from '@gantry/schemas'

import { inTime, type Primary } from '../../kernel/index.js'
import type { PrinterRepository } from './printers.ports.js'
import { freshWord } from './printer-status.js'
import type { StatusBoard } from './status-board.js'

export interface PresenceDeps {
  reads: Primary<{ printers: Pick<PrinterRepository, 'enabledIds'> }>
  board: Pick<StatusBoard, 'get' | 'printerIds' | 'clock'>
}

/** What is known without the database is told while it does not answer. */
const DATABASE_MS = 1_000

/**
 * How many printers can be reached just now, by what their drivers last said. While the database does not say which
 * printers there are, those that were heard of count.
 */
export const printersPresent = async ({ reads, board }: PresenceDeps): Promise<PrintersHealth> => {
  const enabled = await inTime(DATABASE_MS, reads.printers.enabledIds()).catch(() => null)
  const nowMs = board.clock.now()
  const counts = { connected: 0, disconnected: 0, stale: 0 }
  for (const printerId of enabled ?? board.printerIds()) {
    const word = freshWord(board.get(printerId), nowMs)
    if (word === null) counts.stale += 1
    else if (word.report?.printerConnected === true) counts.connected += 1
    else counts.disconnected += 1
  }
  return { enabled: enabled?.length ?? null, ...counts }
}
