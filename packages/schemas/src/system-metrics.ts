import { z } from 'zod'

import { cacheStats } from './cache.js'
import { databaseHealth } from './database-health.js'
import { percentiles, queueStatistics } from './jobs.js'

const calls = {
  calls: z.int(),
  /** Calls that were answered with an error of any kind, and among them those that were the server's fault. */
  errors: z.int(),
  failures: z.int(),
  callsPerSecond: z.number(),
  /** Shares of the calls, 0–1; null without calls. */
  errorRate: z.number().nullable(),
  failureRate: z.number().nullable(),
  /** How long they took; exact to about 15 %. */
  tookMs: percentiles,
}

/** What the process that answers did in the last minutes. */
export const systemPerformance = z.object({
  /** The time that the numbers are of; shorter than five minutes when it has just been started. */
  windowSeconds: z.number(),
  /** Of every kind, file transfers and probes included; live streams count when they end. */
  requests: z.object(calls),
  /** Those that were called, the most called first. */
  procedures: z.array(z.object({ procedure: z.string(), ...calls })),
})
export type SystemPerformance = z.infer<typeof systemPerformance>

/** How the farm does today, in the installation's time zone. */
export const systemBusiness = z.object({
  /** Users whose session was used within the last 15 minutes. */
  usersActive: z.int(),
  printsToday: z.object({
    started: z.int(),
    completed: z.int(),
    failed: z.int(),
    cancelled: z.int(),
  }),
  /** Of the prints that ended today as they should or failed, 0–1; null when none did. */
  successRate: z.number().nullable(),
  /** Of the time today in which printers were driven, the share in which they printed, 0–1; null when none was. */
  printerUtilisation: z.number().nullable(),
  /** Printers by state; `disabled`: switched off by people. States that none has are left out. */
  printers: z.record(z.string(), z.int()),
  /** Copies that wait for a printer, and how long the oldest job of them has been there; 0 when none waits. */
  queuedCopies: z.int(),
  oldestQueuedSeconds: z.number(),
  /** Open alarms by code. */
  alarms: z.record(z.string(), z.int()),
})
export type SystemBusiness = z.infer<typeof systemBusiness>

/** Numbers for people and scripts. `performance` and `cache` are of the process that answers, the others of all. */
export const systemMetrics = z.object({
  at: z.date(),
  instanceId: z.string(),
  uptimeSeconds: z.number(),
  /** Null: metrics are switched off. */
  performance: systemPerformance.nullable(),
  cache: cacheStats,
  database: databaseHealth,
  /** By name; null while the database does not answer. */
  queues: z.record(z.string(), queueStatistics).nullable(),
  business: systemBusiness.nullable(),
})
export type SystemMetrics = z.infer<typeof systemMetrics>
