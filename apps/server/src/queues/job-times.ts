import { CronExpressionParser } from 'cron-parser'

import type { JobTimes } from '../kernel/jobs.js'

/** Times as a row and a page have them. */
export const timesText = (times: JobTimes): string =>
  'cron' in times ? `cron ${times.cron}` : `every ${times.everySeconds} s`

/**
 * The first slot after a moment. Slots of seconds lie on a grid that all processes share; those of `cron` are read in the
 * time zone, and one that a change of the clocks leaves out comes right after it.
 * @throws Error for a pattern that cannot be read
 */
export const nextSlot = (times: JobTimes, after: Date, timeZone: string): Date => {
  if ('cron' in times)
    return CronExpressionParser.parse(times.cron, { currentDate: after, tz: timeZone }).next().toDate()
  const everyMs = times.everySeconds * 1_000
  return new Date((Math.floor(after.getTime() / everyMs) + 1) * everyMs)
}
