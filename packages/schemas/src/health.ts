import { z } from 'zod'

import { cacheStats } from './cache.js'
import { databaseHealth } from './database-health.js'

/** What a server finds when it looks at one of the things that it needs; `unknown` where it could not even look. */
export const checkState = z.enum(['ok', 'failed', 'unknown'])
export type CheckState = z.infer<typeof checkState>

/** By the name of what is looked at: `database`, `migrations`, and `redis` where one is configured. */
const checks = z.record(z.string(), checkState)

/** `/healthz`: whether the process lives. */
export const liveness = z.object({
  status: z.enum(['ok', 'unavailable']),
  /** How late the event loop was at most, within the last seconds. */
  eventLoopLagSeconds: z.number(),
})
export type Liveness = z.infer<typeof liveness>

/** `/ready`: whether requests may be sent here. */
export const readiness = z.object({
  status: z.enum(['ok', 'degraded', 'unavailable']),
  /** The server is about to stop. */
  draining: z.boolean(),
  checks,
})
export type Readiness = z.infer<typeof readiness>

/** `down`: what the server cannot do without is missing; `degraded`: something that it can. */
export const healthStatus = z.enum(['ok', 'degraded', 'down'])
export type HealthStatus = z.infer<typeof healthStatus>

/** `/health`: for people and their monitoring. */
export const health = z.object({
  status: healthStatus,
  version: z.string(),
  /** Seconds since the process started. */
  uptime: z.number(),
  draining: z.boolean(),
  checks,
  eventLoopLagSeconds: z.number(),
})
export type Health = z.infer<typeof health>

const memory = z.object({
  rss: z.int(),
  heapTotal: z.int(),
  heapUsed: z.int(),
  external: z.int(),
  arrayBuffers: z.int(),
})

/** `/api/health`, as clients of old read it. */
export const apiHealth = z.object({
  status: z.enum(['ok', 'down']),
  /** The kind of installation, as `NODE_ENV` names it. */
  env: z.string(),
  uptime: z.number(),
  memory,
  /** Null where it is not known. */
  commit: z.string().nullable(),
  version: z.string(),
})
export type ApiHealth = z.infer<typeof apiHealth>

/** `/api`: where everything is. */
export const apiIndex = z.object({
  name: z.string(),
  version: z.string(),
  /** Where each version of the API begins. */
  versions: z.record(z.string(), z.string()),
  docs: z.string(),
  openapi: z.string(),
  health: z.string(),
  /** Null while metrics are turned off. */
  metrics: z.string().nullable(),
})
export type ApiIndex = z.infer<typeof apiIndex>

/** `off`: it is not configured. */
export const partState = z.enum(['ok', 'degraded', 'failed', 'off'])
export type PartState = z.infer<typeof partState>

/** One thing that was looked at; where the look itself failed, or took too long, with an error instead of a detail. */
const part = <D extends z.ZodType>(detail: D) =>
  z.object({
    status: partState,
    tookSeconds: z.number(),
    error: z.string().nullable(),
    detail: detail.nullable(),
  })

/** A part of {@link detailedHealth}. */
export interface HealthPart<D> {
  status: PartState
  tookSeconds: number
  error: string | null
  detail: D | null
}

const queueHealth = z.object({
  waiting: z.int(),
  active: z.int(),
  delayed: z.int(),
  /** Dead jobs, which wait for a person. */
  failed: z.int(),
  paused: z.boolean(),
  /** How long the job that has been due longest has waited; null when none waits. */
  lagSeconds: z.number().nullable(),
})

export const queuesHealth = z.object({
  /** False: the queues did not answer in time. */
  reachable: z.boolean(),
  /** Over all queues. */
  failed: z.int(),
  lagSeconds: z.number().nullable(),
  queues: z.record(z.string(), queueHealth),
})
export type QueuesHealth = z.infer<typeof queuesHealth>

export const storageSpace = z.object({
  /** What the server's user may still write on the disk of the files. */
  freeBytes: z.int(),
  totalBytes: z.int(),
  /** Uploads are refused rather than that less than this stays free. */
  reservedBytes: z.int(),
})
export type StorageSpace = z.infer<typeof storageSpace>

export const printersHealth = z.object({
  /** Printers that are registered and enabled; null while the database does not say. */
  enabled: z.int().nullable(),
  /** Their host reports, and has its printer. */
  connected: z.int(),
  /** They are driven, and their host or its printer cannot be reached. */
  disconnected: z.int(),
  /** Nothing was heard of them for so long that nobody seems to drive them. */
  stale: z.int(),
})
export type PrintersHealth = z.infer<typeof printersHealth>

/** One of the last errors that nobody expected. What clients sent and stacks are in the log alone. */
export const recentError = z.object({
  /** The last time. */
  at: z.iso.datetime(),
  code: z.string(),
  message: z.string(),
  /** How often the same was told. */
  times: z.int(),
  /** Of the last time; null outside of requests. */
  requestId: z.string().nullable(),
})
export type RecentError = z.infer<typeof recentError>

/** `/health/detailed`: what one instance sees of everything around it. */
export const detailedHealth = health.extend({
  instanceId: z.string(),
  roles: z.array(z.string()),
  env: z.string(),
  commit: z.string().nullable(),
  database: part(databaseHealth),
  redis: part(cacheStats.shape.redis.unwrap()),
  cache: part(cacheStats.pick({ strategy: true, memory: true })),
  queues: part(queuesHealth),
  /** Since when the order has been due that was not handed to its queue for longest. */
  outbox: part(z.object({ oldestDueSeconds: z.number().nullable() })),
  storage: part(storageSpace),
  printers: part(printersHealth),
  memory,
  /** The newest first. */
  lastErrors: z.array(recentError),
})
export type DetailedHealth = z.infer<typeof detailedHealth>
