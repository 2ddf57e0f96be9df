import {
  attempt,
  idOf,
  jobExplanation,
  pageInput,
  pageOf,
  printJob,
  printJobEvent,
  printJobOrder,
  printJobState,
  submitPrintJobInput,
  updatePrintJobInput,
} from '@gantry/schemas'
import { tracked } from '@trpc/server'
import { z } from 'zod'

import { cache } from '../trpc/cache.js'
import { router } from '../trpc/init.js'
import { liveStream, trackedStreamOf } from '../trpc/live-stream.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Print jobs']
const byId = z.strictObject({ id: idOf('printJob') })

export const printJobsRouter = router({
  list: procedureFor('printJobs.read')
    .meta({ openapi: { method: 'GET', path: '/print-jobs', tags, summary: 'List print jobs, or the queue' } })
    .input(
      z.strictObject({
        ...pageInput,
        order: printJobOrder.default('newest'),
        state: printJobState.optional(),
        projectId: idOf('project').optional(),
      }),
    )
    .concat(cache({ ttl: 2, tags: ['print_job', 'attempt'], scope: 'shared' }))
    .output(pageOf(printJob))
    .query(({ ctx, input: { cursor = null, projectId = null, state, ...input } }) =>
      ctx.services.printJobs.list(ctx.actor, {
        ...{ ...input, cursor, projectId },
        states: state === undefined ? [] : [state],
      }),
    ),

  get: procedureFor('printJobs.read')
    .meta({ openapi: { method: 'GET', path: '/print-jobs/{id}', tags, summary: 'One print job' } })
    .input(byId)
    .output(printJob)
    .query(({ ctx, input }) => ctx.services.printJobs.get(ctx.actor, input.id)),

  /** Orders copies of a project's part (all that are missing unless said otherwise) or of a file. */
  submit: procedureFor('printJobs.submit')
    .meta({ openapi: { method: 'POST', path: '/print-jobs', tags, summary: 'Order copies' } })
    .input(submitPrintJobInput)
    .output(printJob)
    .mutation(({ ctx, input }) => ctx.services.printJobs.submit(ctx.actor, input)),

  /** Why its copies wait: the job's own holds, and what is in the way at each printer. */
  explain: procedureFor('printJobs.read')
    .meta({
      openapi: { method: 'GET', path: '/print-jobs/{id}/explain', tags, summary: 'Why the copies of a job wait' },
    })
    .input(byId)
    .output(jobExplanation)
    .query(({ ctx, input }) => ctx.services.dispatch.explainJob(ctx.actor, input.id)),

  attempts: procedureFor('printJobs.read')
    .meta({
      openapi: {
        method: 'GET',
        path: '/print-jobs/{id}/attempts',
        tags,
        summary: 'The tries to print its copies, newest first',
      },
    })
    .input(byId)
    .output(z.object({ items: z.array(attempt) }))
    .query(async ({ ctx, input }) => ({ items: await ctx.services.printJobs.attempts(ctx.actor, input.id) })),

  /** Refused when a copy is with a printer and what it prints on would change, or by who read an older version. */
  update: procedureFor('printJobs.manage')
    .meta({ openapi: { method: 'PATCH', path: '/print-jobs/{id}', tags, summary: 'Change a print job' } })
    .input(updatePrintJobInput)
    .output(printJob)
    .mutation(({ ctx, input }) => ctx.services.printJobs.update(ctx.actor, input)),

  /** Takes back the copies that are not printed yet, and stops those that print. */
  cancel: procedureFor('printJobs.manage')
    .meta({ openapi: { method: 'POST', path: '/print-jobs/{id}/cancel', tags, summary: 'Cancel a print job' } })
    .input(byId)
    .output(printJob)
    .mutation(({ ctx, input }) => ctx.services.printJobs.cancel(ctx.actor, input.id)),

  /** A person has looked: held copies wait for a printer again, and reassigned ones may go to any. */
  release: procedureFor('printJobs.manage')
    .meta({ openapi: { method: 'POST', path: '/print-jobs/{id}/release', tags, summary: 'Let held copies go on' } })
    .input(byId)
    .output(printJob)
    .mutation(({ ctx, input }) => ctx.services.printJobs.release(ctx.actor, input.id)),

  /** A snapshot of all unfinished jobs, then every change; resumes after the last event's id. */
  onChange: procedureFor('printJobs.read')
    .input(z.strictObject({ lastEventId: z.string().max(100).optional() }).optional())
    .output(trackedStreamOf(printJobEvent))
    .subscription(({ ctx, input }) =>
      liveStream(ctx, async function* (signal) {
        const items = ctx.services.printJobs.watch(ctx.actor, input?.lastEventId ?? null, signal)
        for await (const { cursor, data } of items) yield tracked(cursor, data)
      }),
    ),
})
