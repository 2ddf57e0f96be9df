import { alarmSeverity, type Alarm, type AlarmSeverity } from '@gantry/schemas'

import { handleJob, SYSTEM_ACTOR, type JobHandler, type UnitOfWork } from '../../kernel/index.js'
import { alarmNotice } from '../alarms/alarms.jobs.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import { emailNotification } from './notifications.jobs.js'
import type { RecipientRepository } from './notifications.ports.js'

export interface AlarmNoticeDeps {
  unitOfWork: UnitOfWork<{ alarms: Pick<AlarmRepository, 'get'>; emails: RecipientRepository }>
  /** Less severe alarms are not mailed; `none`: none is. */
  leastSeverity: AlarmSeverity | 'none'
}

/** More admins than this have a mailing list. */
const MAX_RECIPIENTS = 200

const ranks = alarmSeverity.options

/** What was critical matters afterwards too; of the rest one that is over already calls nobody. */
const isMailed = ({ severity, clearedAt }: Alarm, least: AlarmNoticeDeps['leastSeverity']): boolean =>
  least !== 'none' && ranks.indexOf(severity) >= ranks.indexOf(least) && (severity === 'critical' || clearedAt === null)

const mailAbout = ({ id, code, severity, params, subjectType, subjectId, raisedAt }: Alarm) => ({
  template: 'alarm-raised' as const,
  data: { alarmId: id, code, severity, params, subjectType, subjectId, raisedAt: raisedAt.toISOString() },
})

/** Orders a mail to each admin, in the transaction that finishes the notice: all of them or none, once. */
export const createAlarmNoticeHandler = ({ unitOfWork, leastSeverity }: AlarmNoticeDeps): JobHandler =>
  handleJob(alarmNotice, ({ jobId, payload: { alarmId } }) =>
    unitOfWork.run(async (tx) => {
      if (!(await tx.finishJob(jobId))) return
      const alarm = await tx.alarms.get(SYSTEM_ACTOR, alarmId)
      if (alarm === null || !isMailed(alarm, leastSeverity)) return
      const content = mailAbout(alarm)
      for (const to of await tx.emails.adminAddresses(MAX_RECIPIENTS))
        tx.jobs.add(emailNotification, { to, key: `alarm:${alarmId}`, content })
    }),
  )
