import { z } from 'zod'

import { idOf } from './ids.js'
import { printerState } from './printers.js'

export const statisticsUnit = z.enum(['hour', 'day'])
export type StatisticsUnit = z.infer<typeof statisticsUnit>

const HOUR_MS = 3_600_000

/** So many periods at most: two months of hours, about four years of days. */
export const MOST_PERIODS = { hour: 62 * 24, day: 1_500 } as const

const range = {
  /** The first period is the one that begins here or next. */
  from: z.date(),
  /** Not included. */
  to: z.date(),
  by: statisticsUnit.default('day'),
}

const isBounded = ({ from, to, by }: { from: Date; to: Date; by: StatisticsUnit }): boolean => {
  const hours = (to.getTime() - from.getTime()) / HOUR_MS
  return hours > 0 && hours / (by === 'hour' ? 1 : 24) <= MOST_PERIODS[by]
}
const BOUND = {
  message: `must be after "from", by at most ${MOST_PERIODS.hour} hours or ${MOST_PERIODS.day} days`,
  path: ['to'],
}

export const printStatisticsInput = z
  .strictObject({ ...range, printerId: idOf('printer').optional(), projectId: idOf('project').optional() })
  .refine(isBounded, BOUND)
export const printerStatisticsInput = z
  .strictObject({ ...range, printerId: idOf('printer').optional(), eachPrinter: z.boolean().default(false) })
  .refine(isBounded, BOUND)
export const filamentStatisticsInput = z
  .strictObject({ ...range, printerId: idOf('printer').optional() })
  .refine(isBounded, BOUND)
export const apiStatisticsInput = z
  .strictObject({ ...range, eachProcedure: z.boolean().default(false) })
  .refine(isBounded, BOUND)

export type PrintStatisticsInput = z.infer<typeof printStatisticsInput>
export type PrinterStatisticsInput = z.infer<typeof printerStatisticsInput>
export type FilamentStatisticsInput = z.infer<typeof filamentStatisticsInput>
export type ApiStatisticsInput = z.infer<typeof apiStatisticsInput>

const period = {
  /** An hour in UTC (`2026-11-27T08`) or a day in the installation's time zone (`2026-11-27`). */
  period: z.string(),
  begins: z.date(),
}

/** Periods in which nothing happened are left out. */
const figuresOf = <T extends z.ZodType>(item: T) => z.object({ timeZone: z.string(), items: z.array(item) })

export const printFigures = z.object({
  ...period,
  started: z.int(),
  completed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  /** Given back before they had started. */
  revoked: z.int(),
  /** Of the attempts that ended in this period, whenever they had started. */
  printSeconds: z.number(),
})
export type PrintFigures = z.infer<typeof printFigures>
export const printStatistics = figuresOf(printFigures)

export const printerTimeFigures = z.object({
  ...period,
  /** Null: of all printers together. */
  printerId: idOf('printer').nullable(),
  state: printerState,
  seconds: z.number(),
})
export type PrinterTimeFigures = z.infer<typeof printerTimeFigures>
export const printerStatistics = figuresOf(printerTimeFigures)

export const filamentFigures = z.object({
  ...period,
  /** Null: the file did not say. */
  material: z.string().nullable(),
  usedMm: z.number(),
  usedGrams: z.number(),
})
export type FilamentFigures = z.infer<typeof filamentFigures>
export const filamentStatistics = figuresOf(filamentFigures)

export const apiUseFigures = z.object({
  ...period,
  /** Null: all together. */
  procedure: z.string().nullable(),
  calls: z.int(),
  errors: z.int(),
})
export type ApiUseFigures = z.infer<typeof apiUseFigures>
export const apiStatistics = figuresOf(apiUseFigures)

const day = z.iso.date()

export const userActivityInput = z
  .strictObject({ userId: idOf('user'), fromDay: day, toDay: day })
  .refine(({ fromDay, toDay }) => fromDay <= toDay, { message: 'must not be before "fromDay"', path: ['toDay'] })
export type UserActivityInput = z.infer<typeof userActivityInput>

/** What one user did on one day of the installation's time zone. */
export const userActivity = z.object({ day, event: z.string(), count: z.int() })
export type UserActivity = z.infer<typeof userActivity>
export const userActivityStatistics = figuresOf(userActivity)
