import { z } from 'zod'

import { defineJob, type RecurringJob } from '../../kernel/index.js'
import { FIGURES } from './statistics.ports.js'

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const textsIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string').slice(0, 100) : []

const HOURS_IN: Readonly<Record<string, number>> = { h: 1, hour: 1, d: 24, day: 24, w: 168, week: 168, month: 744 }
/** What is made anew at most. */
const MOST_HOURS = 62 * 24

/** `24h`, `7d`, `day`: so many hours; null for whatever else older producers have sent. */
const hoursOf = (range: unknown): number | null => {
  const [, count = '1', unit = ''] =
    /^(?:last[ _-]?)?(\d{0,4}) ?(h|d|w|hour|day|week|month)s?$/i.exec(String(range)) ?? []
  const hours = Number(count === '' ? '1' : count) * (HOURS_IN[unit.toLowerCase()] ?? 0)
  return hours === 0 ? null : Math.min(hours, MOST_HOURS)
}

/** Rolls up what attempts, printers and callers did. */
export const metricsAggregation = defineJob({
  type: 'METRICS_AGGREGATION',
  version: 2,
  payload: z.strictObject({
    /** Names that are no figures are passed over. */
    figures: z.array(z.string().max(200)).max(100),
    /** The last so many hours are made anew, if they can be; null: what has come since the last time. */
    hours: z.int().min(1).max(MOST_HOURS).nullable(),
  }),
  earlier: {
    // { timeRange, metrics[] }
    1: (payload) => ({
      figures: isRecord(payload) ? textsIn(payload['metrics']).map((name) => name.slice(0, 200)) : [],
      hours: isRecord(payload) ? hoursOf(payload['timeRange']) : null,
    }),
  },
  attempts: 3,
  timeoutMs: 120_000,
  concurrency: 1,
})

export const metricsAggregationSchedule: RecurringJob<typeof metricsAggregation> = {
  ...{ definition: metricsAggregation, payload: { figures: [...FIGURES], hours: null } },
  everySeconds: 300,
}

/** Counts what users did. */
export const userAnalytics = defineJob({
  type: 'USER_ANALYTICS',
  version: 2,
  payload: z.strictObject({
    /** One event that somebody tells; null: the stored ones since the last time. */
    one: z.strictObject({ userId: z.string().min(1).max(100), event: z.string().min(1).max(100) }).nullable(),
  }),
  earlier: {
    // { userId, event, metadata }: what else there was to it is kept by nobody.
    1: (payload) => {
      const { userId, event } = isRecord(payload) ? payload : {}
      return { one: { userId, event: typeof event === 'string' ? event.slice(0, 100) : event } }
    },
  },
  attempts: 3,
  timeoutMs: 60_000,
  concurrency: 1,
})

export const userAnalyticsSchedule: RecurringJob<typeof userAnalytics> = {
  ...{ definition: userAnalytics, payload: { one: null } },
  everySeconds: 60,
}
