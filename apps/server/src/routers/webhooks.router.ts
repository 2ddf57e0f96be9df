import {
  createWebhookInput,
  idempotencyKey,
  idOf,
  pageInput,
  pageOf,
  updateWebhookInput,
  webhook,
  webhookDelivery,
  webhookDeliveryState,
  webhookWithSecret,
} from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Webhooks']
const byId = z.strictObject({ id: idOf('webhook') })

export const webhooksRouter = router({
  list: procedureFor('webhooks.read')
    .meta({ openapi: { method: 'GET', path: '/webhooks', tags, summary: 'List webhooks, newest first' } })
    .input(z.strictObject(pageInput))
    .output(pageOf(webhook))
    .query(({ ctx, input: { limit, cursor = null } }) => ctx.services.webhooks.list(ctx.actor, { limit, cursor })),

  get: procedureFor('webhooks.read')
    .meta({ openapi: { method: 'GET', path: '/webhooks/{id}', tags, summary: 'One webhook' } })
    .input(byId)
    .output(webhook)
    .query(({ ctx, input }) => ctx.services.webhooks.get(ctx.actor, input.id)),

  /** The answer holds the secret with which the receiver verifies what comes; it is shown this once. */
  create: procedureFor('webhooks.manage')
    .meta({ openapi: { method: 'POST', path: '/webhooks', tags, summary: 'Have events posted to a URL' } })
    .input(createWebhookInput)
    .output(webhookWithSecret)
    .mutation(({ ctx, input }) => ctx.services.webhooks.create(ctx.actor, input)),

  /** Switched off, it gives up what waits; switched on again, it gets what happens from then on. */
  update: procedureFor('webhooks.manage')
    .meta({ openapi: { method: 'PATCH', path: '/webhooks/{id}', tags, summary: 'Change a webhook' } })
    .input(updateWebhookInput)
    .output(webhook)
    .mutation(({ ctx, input }) => ctx.services.webhooks.update(ctx.actor, input)),

  remove: procedureFor('webhooks.manage')
    .meta({ openapi: { method: 'DELETE', path: '/webhooks/{id}', tags, summary: 'Remove a webhook' } })
    .input(byId)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.webhooks.remove(ctx.actor, input.id)),

  /** For 24 hours the secret before it signs too; the answer holds the new one, this once. */
  rotateSecret: procedureFor('webhooks.manage')
    .meta({
      openapi: { method: 'POST', path: '/webhooks/{id}/rotate-secret', tags, summary: 'Give a webhook a new secret' },
    })
    .input(byId.extend({ idempotencyKey: idempotencyKey.optional() }))
    .output(webhookWithSecret)
    .mutation(({ ctx, input }) => ctx.services.webhooks.rotateSecret(ctx.actor, input)),

  /** Posts a `webhook.test`; the delivery says how it went. */
  test: procedureFor('webhooks.manage')
    .meta({ openapi: { method: 'POST', path: '/webhooks/{id}/test', tags, summary: 'Post a test event' } })
    .input(byId)
    .output(webhookDelivery)
    .mutation(({ ctx, input }) => ctx.services.webhooks.test(ctx.actor, input.id)),

  /** Those of the last 30 days. */
  deliveries: procedureFor('webhooks.read')
    .meta({
      openapi: {
        ...{ method: 'GET', path: '/webhooks/{id}/deliveries', tags },
        summary: 'What was posted to a webhook, newest first',
      },
    })
    .input(byId.extend({ ...pageInput, state: webhookDeliveryState.optional() }))
    .output(pageOf(webhookDelivery))
    .query(({ ctx, input: { id: webhookId, limit, cursor = null, state = null } }) =>
      ctx.services.webhooks.deliveries(ctx.actor, { webhookId, limit, cursor, state }),
    ),

  /** Under the same id, at once, whatever became of it before. */
  redeliver: procedureFor('webhooks.manage')
    .meta({
      openapi: {
        ...{ method: 'POST', path: '/webhook-deliveries/{id}/redeliver', tags },
        summary: 'Post an event to a webhook again',
      },
    })
    .input(z.strictObject({ id: idOf('webhookDelivery') }))
    .output(webhookDelivery)
    .mutation(({ ctx, input }) => ctx.services.webhooks.redeliver(ctx.actor, input.id)),
})
