import type {
  AlarmSeverity,
  Page,
  Webhook,
  WebhookDelivery,
  WebhookDeliveryState,
  WebhookDisabledReason,
  WebhookErrorCode,
  WebhookSubscription,
} from '@gantry/schemas'

import type { Actor, EventCursor, SealedAt } from '../../kernel/index.js'

export interface WebhookSecrets {
  /** Sealed. */
  secretCipher: string
  previousSecretCipher: string | null
  /** Until then the one before signs too. */
  previousSecretUntil: Date | null
}

/** Where a webhook's secret is sealed for. */
export const secretAt = (id: string): SealedAt => ({ place: 'webhook.secret_cipher', id })

/** Where the secret before it is sealed for. */
export const previousSecretAt = (id: string): SealedAt => ({ place: 'webhook.previous_secret_cipher', id })

export interface WebhookRecord extends Webhook, WebhookSecrets {}

export interface NewWebhook {
  id: string
  url: string
  description: string
  eventTypes: WebhookSubscription[]
  minSeverity: AlarmSeverity
  secretCipher: string
  createdById: string
}

export type WebhookPatch = Partial<
  Pick<NewWebhook, 'url' | 'description' | 'eventTypes' | 'minSeverity'> &
    WebhookSecrets &
    Pick<WebhookRecord, 'enabled' | 'disabledAt' | 'consecutiveFailures' | 'failingSince'> & {
      disabledReason: WebhookDisabledReason | null
      activeSince: Date
    }
>

/** What decides whether an event is for a webhook. */
export interface Subscriber {
  id: string
  eventTypes: WebhookSubscription[]
  minSeverity: AlarmSeverity
  /** What happened earlier is not for it. */
  activeSince: Date
}

export interface WebhookRepository {
  list(actor: Actor, query: { limit: number; cursor: string | null }): Promise<Page<WebhookRecord>>
  get(actor: Actor, webhookId: string): Promise<WebhookRecord | null>
  /** Locks it until the transaction ends; null when it is removed. */
  lock(webhookId: string): Promise<WebhookRecord | null>
  /** Those that are switched on; none of them is switched off before the transaction ends. */
  lockEnabled(): Promise<Subscriber[]>
  count(): Promise<number>
  create(webhook: NewWebhook): Promise<void>
  /** Makes a new version of it. */
  update(webhookId: string, patch: WebhookPatch, now: Date): Promise<void>
  remove(webhookId: string, now: Date): Promise<void>
  noteFailure(webhookId: string, now: Date): Promise<void>
  noteSuccess(webhookId: string): Promise<void>
  severitiesOf(alarmIds: string[]): Promise<Map<string, AlarmSeverity>>
}

export interface NewDelivery {
  id: string
  webhookId: string
  /** Null: no event tells of it. */
  eventCursor: EventCursor | null
  eventType: string
  body: string
  jobId: string
}

/** A delivery with all that is needed to make it. */
export interface DueDelivery {
  id: string
  eventType: string
  body: string
  state: WebhookDeliveryState
  jobId: string
  webhook: WebhookSecrets & { id: string; url: string; enabled: boolean }
}

/** How a try went. */
export interface TryResult {
  status: number | null
  error: { code: WebhookErrorCode; detail: string } | null
  excerpt: string | null
  /** How long the receiver wants to be left alone; null: it did not say. */
  retryAfterMs: number | null
}

export interface DeliveryQuery {
  webhookId: string
  state: WebhookDeliveryState | null
  limit: number
  cursor: string | null
}

export interface WebhookDeliveryRepository {
  list(actor: Actor, query: DeliveryQuery): Promise<Page<WebhookDelivery>>
  get(actor: Actor, deliveryId: string): Promise<WebhookDelivery | null>
  find(deliveryId: string): Promise<DueDelivery | null>
  /** Leaves out those whose event the webhook has already. */
  add(deliveries: NewDelivery[]): Promise<void>
  /**
   * Locks it until the transaction ends; whoever also locks its webhook does that first.
   * @returns whether it is still to be made by this job
   */
  lockPending(deliveryId: string, jobId: string): Promise<boolean>
  /** One more try was made, and there is another, about then. */
  tryAgain(deliveryId: string, result: TryResult, nextTryAt: Date, now: Date): Promise<void>
  /** One more try was made, and it was the last. */
  finish(deliveryId: string, state: 'delivered' | 'failed', result: TryResult, now: Date): Promise<void>
  /** Those of the webhook that wait are given up without another try; or this one alone. */
  giveUp(webhookId: string, detail: string, now: Date, deliveryId?: string): Promise<void>
  /** It is to be made anew, by this job and no earlier one. */
  reopen(deliveryId: string, jobId: string): Promise<void>
  /** @returns how many rows went */
  removeOlderThan(days: number): Promise<number>
}

export interface WebhookRequest {
  url: string
  headers: Readonly<Record<string, string>>
  body: string
  signal: AbortSignal
}

/** Posts to addresses that people typed in. */
export interface WebhookSender {
  /** @throws GantryError `VALIDATION_FAILED` for a URL that can never be posted to, as far as its text tells */
  check(url: string): void
  /** Whatever the receiver does is a result. @throws the signal's reason when it aborts */
  post(request: WebhookRequest): Promise<TryResult>
}
