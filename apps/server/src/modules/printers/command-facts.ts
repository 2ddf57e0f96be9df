import type { TransactionContext } from '../../kernel/index.js'
import type { CommandRecord, CommandRepository } from './printers.ports.js'

export const finished = (command: Pick<CommandRecord, 'id' | 'printerId' | 'kind'>, state: string) => ({
  type: 'printer_command.finished' as const,
  subjectType: 'printer',
  subjectId: command.printerId,
  payload: { commandId: command.id, printerId: command.printerId, kind: command.kind, state },
})

/** Ends the orders whose time is over, and tells of it. */
export const expireLate = async (tx: { commands: CommandRepository } & TransactionContext): Promise<void> => {
  for (const ended of await tx.commands.expire()) tx.record(finished(ended, ended.state), 'system')
}
