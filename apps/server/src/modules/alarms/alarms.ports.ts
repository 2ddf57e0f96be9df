import type { Alarm, AlarmCode, AlarmSeverity, AlarmSubjectType, Page } from '@gantry/schemas'

import type { Actor } from '../../kernel/index.js'

export interface AlarmSubject {
  subjectType: AlarmSubjectType
  subjectId: string
}

export interface NewAlarm extends AlarmSubject {
  code: AlarmCode
  severity: AlarmSeverity
  params: Record<string, unknown>
}

export interface FoundAlarm extends AlarmSubject {
  code: AlarmCode
  printerGroupId: string | null
}

export interface AlarmThresholds {
  bedNotClearedHours: number
  outboxStuckMinutes: number
  /** How long a job of a type may run, in milliseconds; those of other types are late as soon as they run. */
  jobTimeoutsMs: Readonly<Record<string, number>>
}

/** What the rows themselves say of alarms, when nothing happens that would. */
export interface AlarmConditionRepository {
  /** Alarms whose cause holds now, be they open already. */
  holding(thresholds: AlarmThresholds): Promise<(NewAlarm & { printerGroupId: string | null })[]>
  /** Open alarms whose cause is gone. */
  withoutCause(thresholds: AlarmThresholds): Promise<FoundAlarm[]>
}

export interface AlarmRepository {
  /** Raises it unless one of the same code and subject is open. @returns the id when it is new */
  raise(alarm: NewAlarm): Promise<string | null>
  /**
   * @param having clears only what was raised with these among its params
   * @returns the ids of what was open
   */
  clear(code: AlarmCode, subject: AlarmSubject, now: Date, having?: Record<string, unknown>): Promise<string[]>
  /** Clears this alarm on every attempt of a job. @returns the ids of what was open */
  clearOfJob(code: AlarmCode, jobId: string, now: Date): Promise<string[]>
  /** Null when there is none, it is cleared, or was acknowledged before. */
  acknowledge(alarmId: string, actorId: string, now: Date): Promise<AlarmCode | null>
  get(actor: Actor, alarmId: string): Promise<Alarm | null>
  list(actor: Actor, query: { open: boolean; limit: number; cursor: string | null }): Promise<Page<Alarm>>
}
