import type {
  ApiUseFigures,
  FilamentFigures,
  PrinterTimeFigures,
  PrintFigures,
  StatisticsUnit,
  UserActivity,
} from '@gantry/schemas'

import type { Actor, EventCursor } from '../../kernel/index.js'

/** What is rolled up, each with a source and a watermark of its own. */
export const FIGURES = ['prints', 'printers', 'filament', 'api'] as const
export type Figure = (typeof FIGURES)[number]

export interface TimeRange {
  from: Date
  /** Not included. */
  to: Date
}

/** How far a figure is rolled up. */
export interface RollUpMark {
  /** Null: not at all yet. */
  rolledUntil: Date | null
  /** What the figure was made of before this is gone: periods that begin earlier stay as they are. */
  keptFrom: Date | null
  /** Until here it was looked for facts that came late. */
  lookedAt: Date | null
}

export interface RollUpPeriods extends TimeRange {
  /** Periods that begin earlier are left as they are; null: none is. */
  keptFrom: Date | null
  /** The same for hours, which are not kept for ever. */
  hoursFrom: Date
  /** Days begin at midnight there; hours are hours of UTC. */
  timeZone: string
  /** What goes on is counted up to here. */
  now: Date
}

/** Makes figures out of their sources. */
export interface RollUpRepository {
  /** Nobody else works on the figure until the transaction ends. */
  lock(figure: Figure): Promise<RollUpMark>
  save(figure: Figure, mark: Partial<RollUpMark>): Promise<void>
  /** When the first fact was; null: there is none. */
  earliest(figure: Figure): Promise<Date | null>
  /** Of the facts that were written since then, the time of the first; null: there are none. */
  earliestWrittenSince(figure: Figure, since: Date): Promise<Date | null>
  /** Makes the rows of every hour and day that the range touches anew, and removes the ones before. */
  replace(figure: Figure, periods: RollUpPeriods): Promise<void>
  /** Removes sources from before this, at most some thousands at once. @returns how many went, and whether more are left */
  removeSources(figure: Figure, before: Date): Promise<{ removed: number; more: boolean }>
  removeHours(before: Date): Promise<number>
}

/** Calls of one procedure within one minute on one instance. */
export interface ApiMinute {
  minute: Date
  procedure: string
  calls: number
  errors: number
}

export interface ApiUseRepository {
  /** Writes whole numbers: to write the same again changes nothing. */
  save(instanceId: string, minutes: ApiMinute[]): Promise<void>
}

export interface FigureQuery extends TimeRange {
  by: StatisticsUnit
  /** More rows are an error of whoever asks. */
  limit: number
}

/** What was rolled up, as far as the actor may see the printers and projects. All are in order of time. */
export interface StatisticsRepository {
  prints(
    actor: Actor,
    query: FigureQuery & { printerId: string | null; projectId: string | null },
  ): Promise<PrintFigures[]>
  printers(
    actor: Actor,
    query: FigureQuery & { printerId: string | null; each: boolean },
  ): Promise<PrinterTimeFigures[]>
  filament(actor: Actor, query: FigureQuery & { printerId: string | null }): Promise<FilamentFigures[]>
  /** Belongs to no printer and no project: seen by whoever may see everything. */
  api(actor: Actor, query: FigureQuery & { each: boolean }): Promise<ApiUseFigures[]>
}

export interface CountedEvent {
  userId: string
  event: string
  at: Date
}

/** What users did, by day. Who opted out is in none of it. */
export interface UserActivityRepository {
  cursor(): Promise<EventCursor | null>
  /** @returns false when the reader is no longer there: then change nothing */
  moveCursor(from: EventCursor | null, to: EventCursor): Promise<boolean>
  /** Counts for the users among them who have not opted out. @returns how many events counted */
  add(events: CountedEvent[], timeZone: string): Promise<number>
  list(actor: Actor, query: { userId: string; fromDay: string; toDay: string; limit: number }): Promise<UserActivity[]>
}
