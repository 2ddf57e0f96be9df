import { HttpWebhookSender } from '../adapters/webhooks/http-webhook-sender.js'
import type { Config } from '../config/config.js'
import { DurableReader } from '../events/durable-reader.js'
import type { Lifecycle, Logger, Stoppable } from '../kernel/index.js'
import { fanOut } from '../modules/webhooks/fan-out.js'
import type { WebhookSender } from '../modules/webhooks/webhooks.ports.js'
import { createConnector } from '../net/connector.js'
import type { Persistence } from './persistence.js'

/** Posts to the public internet, and to those private networks alone that the configuration names. */
export const openWebhookSender = (config: Config['webhooks'], lifecycle: Lifecycle): WebhookSender => {
  const connector = createConnector({ ...config, allowPublic: true })
  lifecycle.onStop('webhook connections', () => connector.close())
  return new HttpWebhookSender(connector)
}

/** Hands every event to the webhooks that want it, together with the other processes that do. */
export const startFanOut = (persistence: Persistence, log: Logger): Stoppable => {
  const { unitOfWork, reads, eventLog, bus } = persistence
  const reader = new DurableReader({ name: 'webhooks', handle: fanOut, unitOfWork, reads, eventLog, bus, log })
  reader.start()
  return reader
}
