import { z } from 'zod'

import { idOf } from './ids.js'

export const ALARM_CODES = [
  'PRINTER_LOST',
  'PRINTER_AUTH_FAILED',
  'PRINTER_ERROR',
  'FOREIGN_PRINT',
  'ATTEMPT_UNKNOWN',
  'PRINT_FAILED',
  'HEATER_ON_IDLE',
  'BED_NOT_CLEARED',
  'OUTBOX_STUCK',
] as const
export const alarmCode = z.enum(ALARM_CODES)
export type AlarmCode = z.infer<typeof alarmCode>

export const alarmSeverity = z.enum(['info', 'warning', 'critical'])
export type AlarmSeverity = z.infer<typeof alarmSeverity>

export const alarmSubjectType = z.enum(['printer', 'print_job', 'attempt', 'system'])
export type AlarmSubjectType = z.infer<typeof alarmSubjectType>

/** Something a person must see. There is one open alarm per code and subject. */
export const alarm = z.object({
  id: idOf('alarm'),
  code: alarmCode,
  params: z.record(z.string(), z.unknown()),
  /** The English sentence for code and params. */
  text: z.string(),
  severity: alarmSeverity,
  subjectType: alarmSubjectType,
  subjectId: z.string(),
  raisedAt: z.date(),
  acknowledgedAt: z.date().nullable(),
  clearedAt: z.date().nullable(),
})
export type Alarm = z.infer<typeof alarm>
