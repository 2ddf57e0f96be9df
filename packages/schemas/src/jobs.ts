import { z } from 'zod'

import { idOf } from './ids.js'

const WAKE_UP = /^[a-z0-9][a-z0-9-]*:[\w.:-]+$/

/** `data-export`: the queue of the jobs of type `DATA_EXPORT`. */
export const queueName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,99}$/, 'must be the name of a queue')

/** `DATA_EXPORT`. Of what others have put into a queue it may be any name. */
export const jobType = z.string().min(1).max(200)

/** An order's id (`ob_…`); of a wake-up, which lies in its queue alone, the queue's name, `:` and its id there. */
export const jobId = z
  .string()
  .max(300)
  .refine((id) => idOf('outbox').safeParse(id).success || WAKE_UP.test(id), 'must be an id that starts with ob_')

export const JOB_STATES = ['waiting', 'active', 'delayed', 'failed', 'completed'] as const
export const jobState = z.enum(JOB_STATES)
export type JobState = z.infer<typeof jobState>

export const percentiles = z.object({
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
})
export type Percentiles = z.infer<typeof percentiles>

/** How one queue does. The first five fields are those that clients of old know. */
export const queueStatistics = z.object({
  /** Due, and not begun yet. */
  waiting: z.int(),
  /** Running now. */
  active: z.int(),
  /** Done within 24 hours. */
  completed: z.int(),
  /** Dead: they wait for a person. */
  failed: z.int(),
  /** Not due yet, among them those that are tried again later. */
  delayed: z.int(),
  paused: z.boolean(),
  /** False: only dead jobs are left of it, of a type that this version does not know. */
  isKnown: z.boolean(),
  /** How long the job that has been due longest has waited; null when none waits. */
  oldestAgeSeconds: z.number().nullable(),
  /** Runs that ended, on average of the last 15 minutes. */
  throughputPerMinute: z.number(),
  /** How long jobs of the last 15 minutes waited after they were due, and how long they ran; exact to about 15 %. */
  waitMs: percentiles,
  runMs: percentiles,
  /** Runs that ended in each of the last 60 minutes, the present one last. */
  lastHour: z.array(z.int()),
})
export type QueueStatistics = z.infer<typeof queueStatistics>

export const allQueueStatistics = z.object({
  success: z.literal(true),
  /** False: the queues did not answer in time. Then `active` is 0 and what was handed to them counts as waiting. */
  queueReachable: z.boolean(),
  data: z.record(z.string(), queueStatistics),
})
export type AllQueueStatistics = z.infer<typeof allQueueStatistics>

export const jobSummary = z.object({
  id: z.string(),
  type: z.string(),
  queue: z.string(),
  state: jobState,
  /** True: it lies in the queue alone, and a sweep would find its work anyway. */
  isWakeUp: z.boolean(),
  /** 1 goes first; null goes before all that have one. */
  priority: z.int().nullable(),
  /** How often it was begun, or handed to the queue. */
  attemptsMade: z.int(),
  /** After how many it is dead; null when nobody here knows the type. */
  attemptsAllowed: z.int().nullable(),
  createdAt: z.date(),
  /** When it is due; null when it is not delayed. */
  dueAt: z.date().nullable(),
  startedAt: z.date().nullable(),
  finishedAt: z.date().nullable(),
  /** Why the last try failed. */
  error: z.string().nullable(),
})
export type JobSummary = z.infer<typeof jobSummary>

export const jobDetail = jobSummary.extend({
  version: z.int(),
  /** Without what looks like a secret, by name or by form. */
  payload: z.unknown(),
  stack: z.string().nullable(),
  deduplicationId: z.string().nullable(),
})
export type JobDetail = z.infer<typeof jobDetail>

/** What was done to many jobs at once; `more` tells that some are left for another call. */
export const jobsChanged = z.object({ count: z.int(), more: z.boolean() })
export type JobsChanged = z.infer<typeof jobsChanged>

export const cleanupStates = z.array(z.enum(['completed', 'failed'])).min(1)
export const queueCleanup = z.object({
  success: z.literal(true),
  data: z.record(
    z.string(),
    z.object({
      completed: z.int(),
      failed: z.int(),
      /** Finished jobs that others left in the queue itself; null when the queue did not answer. */
      stale: z.int().nullable(),
    }),
  ),
})
export type QueueCleanup = z.infer<typeof queueCleanup>

/** A job that comes again by itself. */
export const jobSchedule = z.object({
  type: z.string(),
  queue: z.string(),
  /** `every 600 s` or `cron 0 6 * * *`. */
  times: z.string(),
  nextAt: z.date(),
  /** The last slot that was ordered. */
  lastAt: z.date().nullable(),
  lastJobId: z.string().nullable(),
  pausedAt: z.date().nullable(),
  pausedById: z.string().nullable(),
})
export type JobSchedule = z.infer<typeof jobSchedule>

/** Null: one that was ordered earlier is not done yet, so that no other was ordered. */
export const scheduleRun = z.object({ jobId: z.string().nullable() })
export type ScheduleRun = z.infer<typeof scheduleRun>
