import { idOf, pageInput, pageOf, userSession } from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { sessionProcedure } from '../trpc/procedures.js'

const tags = ['Sessions']

/** One's own logins. */
export const sessionsRouter = router({
  list: sessionProcedure
    .meta({ openapi: { method: 'GET', path: '/sessions', tags, summary: 'Where one is logged in' } })
    .input(z.strictObject(pageInput))
    .output(pageOf(userSession))
    .query(({ ctx, input: { limit, cursor = null } }) =>
      ctx.services.sessions.list(ctx.actor, ctx.actor.id, { limit, cursor }),
    ),

  revoke: sessionProcedure
    .meta({ openapi: { method: 'DELETE', path: '/sessions/{id}', tags, summary: 'End one of them' } })
    .input(z.strictObject({ id: idOf('session') }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.sessions.end(ctx.actor, ctx.actor.id, input.id)),

  revokeOthers: sessionProcedure
    .meta({ openapi: { method: 'DELETE', path: '/sessions', tags, summary: 'End all of them but this' } })
    .output(z.object({ ended: z.int() }))
    .mutation(async ({ ctx }) => ({ ended: await ctx.services.sessions.endOthers(ctx.actor, ctx.actor.id) })),
})
