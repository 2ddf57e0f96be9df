import { idOf, setUserScopeInput, userScope } from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Users']

export const userScopesRouter = router({
  get: procedureFor('users.read')
    .meta({ openapi: { method: 'GET', path: '/users/{userId}/scope', tags, summary: 'What of the farm a user sees' } })
    .input(z.strictObject({ userId: idOf('user') }))
    .output(userScope)
    .query(({ ctx, input }) => ctx.services.userScopes.get(input.userId)),

  /** Lists, single things, streams, files, exports, figures and orders are kept to it, and so are the user's API keys. */
  set: procedureFor('users.manage')
    .meta({
      openapi: { method: 'PUT', path: '/users/{userId}/scope', tags, summary: 'Say what of the farm a user sees' },
    })
    .input(setUserScopeInput)
    .output(userScope)
    .mutation(({ ctx, input }) => ctx.services.userScopes.set(ctx.actor, input)),
})
