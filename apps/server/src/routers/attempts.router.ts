import { attempt, idOf } from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { authedProcedure, operatorProcedure } from '../trpc/procedures.js'

const tags = ['Attempts']

export const attemptsRouter = router({
  get: authedProcedure
    .meta({ openapi: { method: 'GET', path: '/attempts/{id}', tags, summary: 'One try to print one copy' } })
    .input(z.strictObject({ id: idOf('attempt') }))
    .output(attempt)
    .query(({ ctx, input }) => ctx.services.attempts.get(ctx.actor, input.id)),

  /** A person says what became of a copy of which no host can tell. */
  resolve: operatorProcedure
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
})
