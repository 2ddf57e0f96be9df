import { linkIdentityInput, ownIdentities, unlinkIdentityInput } from '@gantry/schemas'

import { router } from '../trpc/init.js'
import { sessionProcedure } from '../trpc/procedures.js'

const tags = ['Identities']

/** With whom at an identity provider one is let in (docs/reference/single-sign-on.md). */
export const identitiesRouter = router({
  list: sessionProcedure
    .meta({
      openapi: { method: 'GET', path: '/auth/me/identities', tags, summary: 'By which identities one signs on' },
    })
    .output(ownIdentities)
    .query(({ ctx }) => ctx.services.identities.own(ctx.actor)),

  /** With the ticket of a sign-on that began with `purpose=link`. */
  link: sessionProcedure
    .meta({ openapi: { method: 'POST', path: '/auth/me/identities', tags, summary: 'Sign on by an identity, too' } })
    .input(linkIdentityInput)
    .output(ownIdentities)
    .mutation(({ ctx, input }) => ctx.services.identities.link(ctx.actor, input, ctx.client)),

  unlink: sessionProcedure
    .meta({
      openapi: { method: 'POST', path: '/auth/me/identities/{id}/unlink', tags, summary: 'Sign on by it no more' },
    })
    .input(unlinkIdentityInput)
    .output(ownIdentities)
    .mutation(({ ctx, input }) => ctx.services.identities.unlink(ctx.actor, input, ctx.client)),
})
