import { z } from 'zod'

import { alarmSeverity } from './alarms.js'
import { idempotencyKey, idOf } from './ids.js'

/** The events that can be subscribed to. What concerns users, sessions, caches and commands stays inside. */
export const WEBHOOK_EVENT_TYPES = [
  'project.created',
  'project.updated',
  'project.deleted',
  'print_job.created',
  'print_job.changed',
  'attempt.changed',
  'printer.created',
  'printer.updated',
  'printer.removed',
  'printer.state_changed',
  'printer.bed_changed',
  'printer.held',
  'printer.released',
  'alarm.raised',
  'alarm.acknowledged',
  'alarm.cleared',
  'file.created',
  'file.removed',
] as const
export const webhookEventType = z.enum(WEBHOOK_EVENT_TYPES)
export type WebhookEventType = z.infer<typeof webhookEventType>

/** What a webhook is subscribed to: named events, or `*` for all of them. */
export const webhookSubscription = z.enum(['*', ...WEBHOOK_EVENT_TYPES])
export type WebhookSubscription = z.infer<typeof webhookSubscription>

/**
 * Why a webhook is switched off: a person did it, its receiver answered 410, or nothing that was sent to it within a
 * day arrived.
 */
export const webhookDisabledReason = z.enum(['by_person', 'gone', 'failing'])
export type WebhookDisabledReason = z.infer<typeof webhookDisabledReason>

/** A URL to which events are posted. Its secret is shown when it is made, and never again. */
export const webhook = z.object({
  id: idOf('webhook'),
  url: z.string(),
  description: z.string(),
  eventTypes: z.array(webhookSubscription),
  /** Alarms below it are not posted. */
  minSeverity: alarmSeverity,
  enabled: z.boolean(),
  disabledAt: z.date().nullable(),
  disabledReason: webhookDisabledReason.nullable(),
  /** Tries that failed since the last one that arrived. */
  consecutiveFailures: z.int(),
  failingSince: z.date().nullable(),
  /** Until then the secret before the present one signs too. */
  previousSecretUntil: z.date().nullable(),
  version: z.int(),
  createdAt: z.date(),
  updatedAt: z.date(),
})
export type Webhook = z.infer<typeof webhook>

/** `secret` is what its receiver verifies with; it is in no later answer. */
export const webhookWithSecret = webhook.extend({ secret: z.string() })
export type WebhookWithSecret = z.infer<typeof webhookWithSecret>

const url = z.url({ protocol: /^https?$/, error: 'must be a URL that starts with http:// or https://' }).max(2_000)
const description = z.string().trim().max(200)
const eventTypes = z
  .array(webhookSubscription)
  .min(1)
  .max(WEBHOOK_EVENT_TYPES.length + 1)
  .transform((types) => [...new Set(types)])

export const createWebhookInput = z.strictObject({
  url,
  description: description.default(''),
  eventTypes,
  minSeverity: alarmSeverity.default('info'),
  idempotencyKey: idempotencyKey.optional(),
})
export type CreateWebhookInput = z.infer<typeof createWebhookInput>

export const updateWebhookInput = z.strictObject({
  id: idOf('webhook'),
  ifVersion: z.int().optional(),
  url: url.optional(),
  description: description.optional(),
  eventTypes: eventTypes.optional(),
  minSeverity: alarmSeverity.optional(),
  /** Switched on again, it gets what happens from then on. */
  enabled: z.boolean().optional(),
})
export type UpdateWebhookInput = z.infer<typeof updateWebhookInput>

export const webhookDeliveryState = z.enum(['pending', 'delivered', 'failed'])
export type WebhookDeliveryState = z.infer<typeof webhookDeliveryState>

/** Why a try did not arrive. */
export const webhookErrorCode = z.enum([
  'STATUS',
  'TIMEOUT',
  'UNREACHABLE',
  'ADDRESS_REFUSED',
  'PROTOCOL',
  'DISABLED',
  'INTERRUPTED',
])
export type WebhookErrorCode = z.infer<typeof webhookErrorCode>

/** One event on its way to one webhook. */
export const webhookDelivery = z.object({
  id: idOf('webhookDelivery'),
  webhookId: idOf('webhook'),
  eventType: z.string(),
  /** What is posted, and the same at every try. */
  payload: z.record(z.string(), z.unknown()),
  state: webhookDeliveryState,
  attempts: z.int(),
  /** What the receiver answered last; null when it gave no answer. */
  lastStatus: z.int().nullable(),
  lastError: z.object({ code: webhookErrorCode, detail: z.string() }).nullable(),
  /** The beginning of the last answer. */
  responseExcerpt: z.string().nullable(),
  /** About when it is tried again: each pause varies by half. */
  nextTryAt: z.date().nullable(),
  createdAt: z.date(),
  lastTriedAt: z.date().nullable(),
  finishedAt: z.date().nullable(),
})
export type WebhookDelivery = z.infer<typeof webhookDelivery>
