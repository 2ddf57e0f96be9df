import { z } from 'zod'

import { defineJob, type RecurringJob } from '../../kernel/index.js'

/** Removes what nobody can log in with any more. */
export const cleanupTokens = defineJob({
  type: 'CLEANUP_TOKENS',
  version: 2,
  payload: z.strictObject({}),
  // Older producers send nothing at all, or whatever their library makes of nothing.
  earlier: { 1: () => ({}) },
  attempts: 3,
  timeoutMs: 60_000,
  concurrency: 1,
})

export const DEFAULT_CLEANUP_INTERVAL_MS = 60 * 60_000

export const cleanupTokensSchedule = (intervalMs: number): RecurringJob => ({
  definition: cleanupTokens,
  payload: {},
  everySeconds: intervalMs / 1_000,
})
