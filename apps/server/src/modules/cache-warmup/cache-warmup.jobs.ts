import { z } from 'zod'

import { defineJob, type RecurringJob } from '../../kernel/index.js'

const textsIn = (payload: unknown, name: string): string[] => {
  const value = typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>)[name] : null
  const texts = Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
  return texts.slice(0, 100).map((text) => text.slice(0, 200))
}

/** Asks the hottest queries, so that their results are kept. */
export const cacheWarmup = defineJob({
  type: 'CACHE_WARMUP',
  version: 2,
  payload: z.strictObject({
    /** Only these queries; names that are none are passed over. Empty, or without a name that is one: all. */
    queries: z.array(z.string().max(200)).max(100),
  }),
  earlier: {
    // { cacheKeys[], dataSource }: keys of another cache, and a source that is always the database.
    1: (payload) => ({ queries: textsIn(payload, 'cacheKeys') }),
  },
  attempts: 2,
  timeoutMs: 30_000,
  concurrency: 1,
})

export const cacheWarmupSchedule: RecurringJob<typeof cacheWarmup> = {
  ...{ definition: cacheWarmup, payload: { queries: [] } },
  cron: '0 6 * * *',
}
