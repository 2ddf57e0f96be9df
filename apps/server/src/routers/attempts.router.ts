import { attempt, idOf } from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Attempts']

export const attemptsRouter = router({
  get: procedureFor('printJobs.read')
    .meta({ openapi: { method: 'GET', path: '/attempts/{id}', tags, summary: 'One try to print one copy' } })
    .input(z.strictObject({ id: idOf('attempt') }))
    .output(attempt)
    .query(({ ctx, input }) => ctx.services.attempts.get(ctx.actor, input.id)),

  /** A person says what became of a copy of which no host can tell. */
  resolve: procedureFor('printJobs.manage')
    .meta({
      openapi: {
        method: 'POST',
        path: '/attempts/{id}/resolve',
        tags,
        summary: 'Say whether an unknown attempt printed',
      },
    })
    .input(z.strictObject({ id: idOf('attempt'), printed: z.boolean() }))
    .output(attempt)
    .mutation(({ ctx, input }) => ctx.services.attempts.resolve(ctx.actor, input.id, input.printed)),

  /**
   * Takes a copy away from its printer, and queues it again for `printerId`, or for any other. What has not begun is
   * given back; what runs is cancelled first, and waits again only when its end is proven.
   */
  reassign: procedureFor('printJobs.manage')
    .meta({
      openapi: { method: 'POST', path: '/attempts/{id}/reassign', tags, summary: 'Print a copy at another printer' },
    })
    .input(z.strictObject({ id: idOf('attempt'), printerId: idOf('printer').optional() }))
    .output(attempt)
    .mutation(({ ctx, input }) => ctx.services.attempts.reassign(ctx.actor, input.id, input.printerId ?? null)),
})
