import { randomBytes } from 'node:crypto'

import type { CreateWebhookInput } from '@gantry/schemas'

import { AesGcmSealer } from '../../../adapters/secrets/aes-gcm-sealer.js'
import { fixedKeys } from '../../../adapters/secrets/sealing-keys.js'
import { HttpWebhookSender } from '../../../adapters/webhooks/http-webhook-sender.js'
import { createEventLog } from '../../../db/event-log.js'
import { repositoriesFor } from '../../../db/repositories.js'
import { createUnitOfWork } from '../../../db/unit-of-work.js'
import { DurableReader } from '../../../events/durable-reader.js'
import { listsOfPrimary, newId, onPrimary, SYSTEM_ACTOR, type Actor, type NewEvent } from '../../../kernel/index.js'
import type { AddressPolicy } from '../../../net/address-policy.js'
import { createConnector, type ConnectorOptions } from '../../../net/connector.js'
import { openTestDatabase, settleTransactions, silentHook } from '../../../testing/open-database.js'
import type { CredentialSealer } from '../../printers/printers.ports.js'
import { fanOut } from '../fan-out.js'
import { createWebhookDeliveryHandler } from '../webhook-delivery.handler.js'
import { webhookDelivery } from '../webhooks.jobs.js'
import { WebhooksService } from '../webhooks.service.js'

export const admin: Actor = { ...SYSTEM_ACTOR, kind: 'user', id: newId('user') }

export interface BenchOptions {
  policy?: AddressPolicy
  connector?: ConnectorOptions
  timeoutMs?: number
}

/** Webhooks on a real database and real sockets; the test does by hand what the queue would do. */
export const openWebhookBench = async (options: BenchOptions = {}) => {
  const database = await openTestDatabase({ poolSize: 12 })
  const { prisma, log } = database
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const reads = onPrimary(repositoriesFor(prisma))
  const key = randomBytes(32)
  let sealing = new AesGcmSealer(fixedKeys([key]))
  const sealer: CredentialSealer = {
    seal: (plain, at) => sealing.seal(plain, at),
    open: (cipher, at) => sealing.open(cipher, at),
  }
  const connector = createConnector(options.policy ?? { allowLoopback: true }, options.connector)
  const sender = new HttpWebhookSender(connector, options.timeoutMs)
  const clock = { now: () => Date.now() + clock.aheadMs, aheadMs: 0 }
  const webhooks = new WebhooksService({ unitOfWork, reads, lists: listsOfPrimary(reads), sealer, sender })
  const handler = createWebhookDeliveryHandler({ unitOfWork, reads, sender, sealer, clock, log })

  const readers: DurableReader<ReturnType<typeof repositoriesFor>>[] = []
  const openReader = (batch?: number) => {
    const bus = { onEvent: () => () => undefined }
    const shared = { unitOfWork, reads, eventLog: createEventLog(prisma), bus, log, sweepMs: 20 }
    const reader = new DurableReader({ name: 'webhooks', handle: fanOut, ...shared, ...(batch ? { batch } : {}) })
    readers.push(reader)
    return reader
  }

  /** One delivery of an order; what the queue does with an error is the caller's. */
  const deliver = (
    jobId: string,
    deliveryId: string,
    attempt = 1,
    signal: AbortSignal = new AbortController().signal,
  ) => handler.handle({ jobId, payload: { deliveryId }, attempt, attempts: webhookDelivery.attempts, signal })

  return {
    ...{ prisma, log, unitOfWork, webhooks, clock, openReader, deliver, key },
    /** As after a start with other keys. */
    useKeys: (...keys: [Uint8Array, ...Uint8Array[]]) => {
      sealing = new AesGcmSealer(fixedKeys(keys))
    },
    create: (url: string, more: Partial<CreateWebhookInput> = {}) =>
      webhooks.create(admin, { url, description: '', eventTypes: ['*'], minSeverity: 'info', ...more }),
    record: (event: NewEvent) =>
      unitOfWork.run((tx) => {
        tx.record(event, 'system')
        return Promise.resolve()
      }),
    /** Hands on everything that has happened. */
    fanOutAll: async () => {
      await settleTransactions(prisma)
      const reader = openReader()
      reader.start()
      await reader.stop()
    },
    /** Every order once, as the queue would deliver it. @returns the errors of those that are to be tried again */
    deliverAll: async (attempt = 1): Promise<unknown[]> => {
      const jobs = await prisma.outbox.findMany({ where: { type: webhookDelivery.type, state: 'pending' } })
      const ends = await Promise.allSettled(
        jobs.map(({ id, payload }) => deliver(id, (payload as { deliveryId: string }).deliveryId, attempt)),
      )
      return ends.filter((end) => end.status === 'rejected').map((end): unknown => end.reason)
    },
    deliveriesOf: async (webhookId: string) => {
      const query = { webhookId, state: null, limit: 200, cursor: null }
      return (await webhooks.deliveries(admin, query)).items.toReversed()
    },
    [Symbol.asyncDispose]: async () => {
      for (const reader of readers) await reader.stop()
      await connector.close()
      await database[Symbol.asyncDispose]()
    },
  }
}

export type WebhookBench = Awaited<ReturnType<typeof openWebhookBench>>

/** A public event about something that need not exist. */
export const fileRemoved = (fileId: string): Extract<NewEvent, { type: 'file.removed' }> => ({
  type: 'file.removed',
  subjectType: 'file',
  subjectId: fileId,
  payload: { fileId },
})
