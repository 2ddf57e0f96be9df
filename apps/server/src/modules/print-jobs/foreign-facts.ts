import type { TransactionContext } from '../../kernel/index.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import { raiseAlarm } from '../alarms/raise-alarm.js'
import type { BedRepository } from '../printers/printers.ports.js'
import type { AttemptRepository } from './print-jobs.ports.js'

type Transaction = { alarms: AlarmRepository; attempts: AttemptRepository; beds: BedRepository } & TransactionContext

/**
 * Something lies on the bed that Gantry did not order.
 * @param anew whether it came just now, on whatever lay there before
 */
export const occupyBed = async (tx: Transaction, printerId: string, anew = false): Promise<void> => {
  if (!(await tx.beds.occupy(printerId, tx.now, anew))) return
  tx.record({ type: 'printer.bed_changed', ...onPrinter(printerId), payload: { printerId, bed: 'occupied' } }, 'system')
}

/**
 * A print was found when it was over. Only whoever believed the bed to be clear has to be told: an occupied one is
 * looked at in any case.
 */
export const foundOver = async (tx: Transaction, printerId: string, fileName: string): Promise<void> => {
  const { bed } = await tx.beds.lock(printerId)
  const inHand = await tx.attempts.findActiveOn(printerId)
  const wasClear = bed === 'clear' || inHand?.bedBefore === 'clear'
  await occupyBed(tx, printerId, true)
  if (wasClear) await raiseForeignPrint(tx, { printerId, fileName, over: true })
}

/** @param over whether it was found when it was over: then the alarm stays until the bed is cleared */
export const raiseForeignPrint = async (
  tx: Transaction,
  { printerId, fileName, over }: { printerId: string; fileName: string; over: boolean },
): Promise<void> => {
  const params = { fileName, printerId, over }
  await raiseAlarm(tx, { code: 'FOREIGN_PRINT', severity: 'warning', params, ...onPrinter(printerId) })
}

/** Clears the alarm of a print that runs no more. @returns whether there was one */
export const clearForeignPrint = async (tx: Transaction, printerId: string): Promise<boolean> => {
  const alarmIds = await tx.alarms.clear('FOREIGN_PRINT', onPrinter(printerId), tx.now, { over: false })
  for (const alarmId of alarmIds) tx.record({ type: 'alarm.cleared', ...about(alarmId) }, 'system')
  return alarmIds.length > 0
}

const onPrinter = (printerId: string) => ({ subjectType: 'printer' as const, subjectId: printerId })

const about = (alarmId: string) => ({
  subjectType: 'alarm',
  subjectId: alarmId,
  payload: { alarmId, code: 'FOREIGN_PRINT' as const },
})
