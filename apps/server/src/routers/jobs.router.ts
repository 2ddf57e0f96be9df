import {
  allQueueStatistics,
  cleanupStates,
  jobDetail,
  jobId,
  jobsChanged,
  jobSchedule,
  jobState,
  jobSummary,
  jobType,
  pageInput,
  pageOf,
  queueCleanup,
  queueName,
  scheduleRun,
} from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Jobs']
const byId = z.strictObject({ id: jobId })
const byType = z.strictObject({ type: jobType })
const byQueue = z.strictObject({ queue: queueName })

const queueProcedures = {
  /** How every queue does: counts now, completed jobs of 24 hours, pace and durations of the last 15 minutes. */
  queues: procedureFor('jobs.read')
    .meta({ openapi: { method: 'GET', path: '/admin/queues', tags, summary: 'How every queue does' } })
    .output(allQueueStatistics)
    .query(({ ctx }) => ctx.services.jobQueues.statistics(ctx.actor)),

  cleanup: procedureFor('jobs.manage')
    .meta({
      openapi: {
        ...{ method: 'POST', path: '/admin/queues/cleanup', tags },
        summary: 'Remove finished jobs, and what was left in the queues',
      },
    })
    .input(
      z.strictObject({
        olderThanHours: z
          .number()
          .min(0)
          .max(24 * 366)
          .default(24),
        states: cleanupStates.default(['completed']),
      }),
    )
    .output(queueCleanup)
    .mutation(({ ctx, input }) => ctx.services.jobQueues.cleanUp(ctx.actor, input)),

  pauseQueue: procedureFor('jobs.manage')
    .meta({ openapi: { method: 'POST', path: '/admin/queues/{queue}/pause', tags, summary: 'Let a queue rest' } })
    .input(byQueue)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.jobQueues.pause(ctx.actor, input.queue)),

  resumeQueue: procedureFor('jobs.manage')
    .meta({ openapi: { method: 'POST', path: '/admin/queues/{queue}/resume', tags, summary: 'Let a queue go on' } })
    .input(byQueue)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.jobQueues.resume(ctx.actor, input.queue)),
}

const scheduleProcedures = {
  schedules: procedureFor('jobs.read')
    .meta({ openapi: { method: 'GET', path: '/admin/schedules', tags, summary: 'Jobs that come by themselves' } })
    .output(z.array(jobSchedule))
    .query(({ ctx }) => ctx.services.jobQueues.schedules(ctx.actor)),

  pauseSchedule: procedureFor('jobs.manage')
    .meta({ openapi: { method: 'POST', path: '/admin/schedules/{type}/pause', tags, summary: 'Order it no more' } })
    .input(byType)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.jobQueues.pauseSchedule(ctx.actor, input.type)),

  resumeSchedule: procedureFor('jobs.manage')
    .meta({
      openapi: {
        ...{ method: 'POST', path: '/admin/schedules/{type}/resume', tags },
        summary: 'Order it again from the next slot on',
      },
    })
    .input(byType)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.jobQueues.resumeSchedule(ctx.actor, input.type)),

  runSchedule: procedureFor('jobs.manage')
    .meta({ openapi: { method: 'POST', path: '/admin/schedules/{type}/run', tags, summary: 'Order it now' } })
    .input(byType)
    .output(scheduleRun)
    .mutation(({ ctx, input }) => ctx.services.jobQueues.runSchedule(ctx.actor, input.type)),
}

/** What runs in the background, for admins alone. */
export const jobsRouter = router({
  ...queueProcedures,
  ...scheduleProcedures,

  list: procedureFor('jobs.read')
    .meta({ openapi: { method: 'GET', path: '/admin/jobs', tags, summary: 'List the jobs in a state' } })
    .input(z.strictObject({ ...pageInput, queue: queueName.optional(), state: jobState }))
    .output(pageOf(jobSummary))
    .query(({ ctx, input: { queue = null, cursor = null, ...rest } }) =>
      ctx.services.jobs.list(ctx.actor, { ...rest, queue, cursor }),
    ),

  get: procedureFor('jobs.read')
    .meta({ openapi: { method: 'GET', path: '/admin/jobs/{id}', tags, summary: 'One job with its payload and error' } })
    .input(byId)
    .output(jobDetail)
    .query(({ ctx, input }) => ctx.services.jobs.get(ctx.actor, input.id)),

  retry: procedureFor('jobs.manage')
    .meta({ openapi: { method: 'POST', path: '/admin/jobs/{id}/retry', tags, summary: 'Order a dead job anew' } })
    .input(byId)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.jobs.retry(ctx.actor, input.id)),

  retryAll: procedureFor('jobs.manage')
    .meta({
      openapi: { method: 'POST', path: '/admin/jobs/retry', tags, summary: 'Order every dead job of a type anew' },
    })
    .input(byType)
    .output(jobsChanged)
    .mutation(({ ctx, input }) => ctx.services.jobs.retryAll(ctx.actor, input.type)),

  discard: procedureFor('jobs.manage')
    .meta({
      openapi: { method: 'DELETE', path: '/admin/jobs/{id}', tags, summary: 'Throw a dead or waiting job away' },
    })
    .input(byId)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.jobs.discard(ctx.actor, input.id)),

  discardAll: procedureFor('jobs.manage')
    .meta({
      openapi: { method: 'POST', path: '/admin/jobs/discard', tags, summary: 'Throw every dead job of a type away' },
    })
    .input(byType)
    .output(jobsChanged)
    .mutation(({ ctx, input }) => ctx.services.jobs.discardAll(ctx.actor, input.type)),
})
