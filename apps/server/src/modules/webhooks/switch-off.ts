import type { WebhookDisabledReason } from '@gantry/schemas'

import type { TransactionContext } from '../../kernel/index.js'
import type { UserRepository } from '../auth/auth.ports.js'
import { emailNotification } from '../notifications/notifications.jobs.js'
import type { WebhookDeliveryRepository, WebhookRecord, WebhookRepository } from './webhooks.ports.js'

interface Repositories {
  users: Pick<UserRepository, 'adminAddresses'>
  webhooks: WebhookRepository
  webhookDeliveries: WebhookDeliveryRepository
}

const TEXTS: Record<Exclude<WebhookDisabledReason, 'by_person'>, string> = {
  gone: 'its receiver answered 410 (gone)',
  failing: 'nothing that was sent to it for a day arrived',
}

/** What the deliveries that waited say of it. */
export const GIVEN_UP = 'the webhook is switched off'

/** The patch that switches a webhook off. */
export const switchedOff = (disabledReason: WebhookDisabledReason, now: Date) => ({
  ...{ enabled: false, disabledAt: now, disabledReason },
})

/** Switches a webhook off that no person did, gives up what waits for it, and tells every admin. */
export const disable = async (
  tx: Repositories & TransactionContext,
  { id: webhookId, url, version }: Pick<WebhookRecord, 'id' | 'url' | 'version'>,
  reason: keyof typeof TEXTS,
): Promise<void> => {
  await tx.webhooks.update(webhookId, switchedOff(reason, tx.now), tx.now)
  await tx.webhookDeliveries.giveUp(webhookId, GIVEN_UP, tx.now)
  const about = { subjectType: 'webhook', subjectId: webhookId }
  tx.record({ type: 'webhook.disabled', ...about, payload: { webhookId, reason } }, 'system')
  const content = { template: 'webhook-disabled' as const, data: { webhookId, url, reason: TEXTS[reason] } }
  for (const to of await tx.users.adminAddresses()) {
    // The version changes each time, so that the next time is another mail.
    tx.jobs.add(emailNotification, { to, key: `webhook-disabled:${webhookId}:${version}`, content })
  }
}
