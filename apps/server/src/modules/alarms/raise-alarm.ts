import type { TransactionContext } from '../../kernel/index.js'
import { alarmNotice } from './alarms.jobs.js'
import type { AlarmRepository, NewAlarm } from './alarms.ports.js'

type Transaction = { alarms: Pick<AlarmRepository, 'raise'> } & Pick<TransactionContext, 'record' | 'jobs'>

/**
 * Raises an alarm unless it is open already, and has everybody told who follows events or gets mail.
 * @param printerGroupId of the printer it is about: who may not see the group does not hear of it
 */
export const raiseAlarm = async (
  tx: Transaction,
  alarm: NewAlarm,
  printerGroupId: string | null = null,
): Promise<void> => {
  const alarmId = await tx.alarms.raise(alarm)
  if (alarmId === null) return
  const about = { subjectType: 'alarm', subjectId: alarmId, printerGroupId }
  tx.record({ type: 'alarm.raised', ...about, payload: { alarmId, code: alarm.code } }, 'system')
  tx.jobs.add(alarmNotice, { alarmId })
}
