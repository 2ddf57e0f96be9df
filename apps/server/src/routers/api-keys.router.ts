import { apiKey, apiKeyWithSecret, createApiKeyInput, idOf } from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { sessionProcedure } from '../trpc/procedures.js'

const tags = ['API keys']

/** For people alone: a key makes and shows no keys. */
export const apiKeysRouter = router({
  list: sessionProcedure
    .meta({ openapi: { method: 'GET', path: '/api-keys', tags, summary: 'List your API keys, newest first' } })
    .output(z.object({ items: z.array(apiKey) }))
    .query(async ({ ctx }) => ({ items: await ctx.services.apiKeys.list(ctx.actor) })),

  /** Takes the user's password once more. The answer holds the key; it is shown this once. */
  create: sessionProcedure
    .meta({ openapi: { method: 'POST', path: '/api-keys', tags, summary: 'Make an API key' } })
    .input(createApiKeyInput)
    .output(apiKeyWithSecret)
    .mutation(({ ctx, input }) => ctx.services.apiKeys.create(ctx.actor, input, ctx.client.ip)),

  /** One's own; who manages users may revoke those of users who may no more than they do. */
  revoke: sessionProcedure
    .meta({ openapi: { method: 'DELETE', path: '/api-keys/{id}', tags, summary: 'Revoke an API key' } })
    .input(z.strictObject({ id: idOf('apiKey') }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.apiKeys.revoke(ctx.actor, input.id)),
})
