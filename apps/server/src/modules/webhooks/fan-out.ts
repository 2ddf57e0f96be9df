import { alarmSeverity, WEBHOOK_EVENT_TYPES, type AlarmSeverity, type WebhookEventType } from '@gantry/schemas'

import { newId, type EventType, type StoredEvent, type TransactionContext } from '../../kernel/index.js'
import type { NewDelivery, Subscriber, WebhookDeliveryRepository, WebhookRepository } from './webhooks.ports.js'
import { webhookDelivery } from './webhooks.jobs.js'

interface Repositories {
  webhooks: WebhookRepository
  webhookDeliveries: WebhookDeliveryRepository
}

// Each is an event that exists.
const PUBLIC: readonly string[] = WEBHOOK_EVENT_TYPES satisfies readonly EventType[]

type PublicEvent = Extract<StoredEvent, { type: WebhookEventType }>

const isPublic = (event: StoredEvent): event is PublicEvent => PUBLIC.includes(event.type)

const alarmIdOf = ({ payload }: PublicEvent): string | null => ('alarmId' in payload ? payload.alarmId : null)

/** @param severity of the alarm that the event is about; null when it is about none, or that alarm is gone */
const isFor = (
  { eventTypes, minSeverity, activeSince }: Subscriber,
  event: PublicEvent,
  severity: AlarmSeverity | null,
): boolean => {
  if (event.createdAt < activeSince) return false
  if (!eventTypes.includes('*') && !eventTypes.includes(event.type)) return false
  const { options } = alarmSeverity
  return severity === null || options.indexOf(severity) >= options.indexOf(minSeverity)
}

interface Message {
  id: string
  type: string
  createdAt: Date
  subject: { type: string; id: string }
  data: unknown
}

/** What receivers get. */
export const messageText = ({ id, type, createdAt, subject, data }: Message): string =>
  JSON.stringify({ id, type, createdAt, subject, data })

const bodyOf = ({ cursor, type, createdAt, subjectType, subjectId, payload }: PublicEvent): string =>
  messageText({ id: cursor, type, createdAt, subject: { type: subjectType, id: subjectId }, data: payload })

/** Orders the delivery of each event to each webhook that wants it, in the transaction that notes the events as read. */
export const fanOut = async (
  events: readonly StoredEvent[],
  tx: Repositories & Pick<TransactionContext, 'jobs'>,
): Promise<void> => {
  const told = events.filter(isPublic)
  const webhooks = told.length === 0 ? [] : await tx.webhooks.lockEnabled()
  if (webhooks.length === 0) return
  const severities = await tx.webhooks.severitiesOf(told.map(alarmIdOf).filter((id) => id !== null))
  const order = (event: PublicEvent, { id: webhookId }: Subscriber): NewDelivery => {
    const id = newId('webhookDelivery')
    const jobId = tx.jobs.add(webhookDelivery, { deliveryId: id })
    return { id, jobId, webhookId, eventCursor: event.cursor, eventType: event.type, body: bodyOf(event) }
  }
  const deliveries = told.flatMap((event) => {
    const severity = severities.get(alarmIdOf(event) ?? '') ?? null
    return webhooks.filter((webhook) => isFor(webhook, event, severity)).map((webhook) => order(event, webhook))
  })
  if (deliveries.length > 0) await tx.webhookDeliveries.add(deliveries)
}
