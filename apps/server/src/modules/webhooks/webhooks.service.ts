import type {
  CreateWebhookInput,
  Page,
  UpdateWebhookInput,
  Webhook,
  WebhookDelivery,
  WebhookWithSecret,
} from '@gantry/schemas'

import {
  GantryError,
  newId,
  notFound,
  type Actor,
  type AnyReads,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { CredentialSealer } from '../printers/printers.ports.js'
import { messageText } from './fan-out.js'
import { GIVEN_UP, switchedOff } from './switch-off.js'
import { newWebhookSecret } from './webhook-signature.js'
import { webhookDelivery } from './webhooks.jobs.js'
import { previousSecretAt, secretAt } from './webhooks.ports.js'
import type {
  DeliveryQuery,
  WebhookDeliveryRepository,
  WebhookPatch,
  WebhookRecord,
  WebhookRepository,
  WebhookSender,
} from './webhooks.ports.js'

interface Repositories {
  webhooks: WebhookRepository
  webhookDeliveries: WebhookDeliveryRepository
}
type Transaction = Repositories & TransactionContext

export interface WebhooksServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  lists: AnyReads<{
    webhooks: Pick<WebhookRepository, 'list'>
    webhookDeliveries: Pick<WebhookDeliveryRepository, 'list'>
  }>
  sealer: CredentialSealer
  sender: Pick<WebhookSender, 'check'>
}

export interface RotateSecretInput {
  id: string
  idempotencyKey?: string | undefined
}

/** Each event is handed to each of them, in one transaction. */
const MAX_WEBHOOKS = 50

/** How long the secret before the present one goes on signing. */
const ROTATION_MS = 24 * 3_600_000

/** Webhooks as admins make and watch them. Secrets leave only when they are made. */
export class WebhooksService {
  constructor(private readonly deps: WebhooksServiceDeps) {}

  async list(actor: Actor, query: { limit: number; cursor: string | null }): Promise<Page<Webhook>> {
    const page = await this.deps.lists.read(actor, ({ webhooks }) => webhooks.list(actor, query))
    return { ...page, items: page.items.map(present) }
  }

  /** @throws GantryError `NOT_FOUND` */
  async get(actor: Actor, webhookId: string): Promise<Webhook> {
    return present(await find(this.deps.reads, actor, webhookId))
  }

  /** @throws GantryError `VALIDATION_FAILED` for an address that is not allowed, `INVALID_STATE` when there are too many */
  async create(actor: Actor, { idempotencyKey, ...input }: CreateWebhookInput): Promise<WebhookWithSecret> {
    const { sealer, sender } = this.deps
    sender.check(input.url)
    return this.withSecret(actor, 'webhooks.create', idempotencyKey, input, async (tx) => {
      if ((await tx.webhooks.count()) >= MAX_WEBHOOKS) {
        throw new GantryError('INVALID_STATE', { params: { detail: `there are at most ${MAX_WEBHOOKS} webhooks` } })
      }
      const id = newId('webhook')
      const secretCipher = sealer.seal(newWebhookSecret(), secretAt(id))
      await tx.webhooks.create({ id, ...input, secretCipher, createdById: actor.id })
      record(tx, actor, 'webhook.created', id)
      return { id, secretCipher }
    })
  }

  /** @throws GantryError `NOT_FOUND`, `VERSION_CONFLICT`, `VALIDATION_FAILED` */
  async update(actor: Actor, { id, ifVersion, ...input }: UpdateWebhookInput): Promise<Webhook> {
    if (input.url !== undefined) this.deps.sender.check(input.url)
    await this.deps.unitOfWork.run(async (tx) => {
      const before = await lock(tx, actor, id)
      const { version } = before
      if (ifVersion !== undefined && ifVersion !== version) {
        throw new GantryError('VERSION_CONFLICT', { params: { ifVersion, version } })
      }
      await tx.webhooks.update(id, patchOf(before, input, tx.now), tx.now)
      if (input.enabled === false) await tx.webhookDeliveries.giveUp(id, GIVEN_UP, tx.now)
      record(tx, actor, 'webhook.updated', id)
    })
    return this.get(actor, id)
  }

  /** @throws GantryError `NOT_FOUND` */
  async remove(actor: Actor, webhookId: string): Promise<void> {
    await this.deps.unitOfWork.run(async (tx) => {
      await lock(tx, actor, webhookId)
      await tx.webhooks.remove(webhookId, tx.now)
      await tx.webhookDeliveries.giveUp(webhookId, GIVEN_UP, tx.now)
      record(tx, actor, 'webhook.removed', webhookId)
    })
  }

  /** A new secret; for a day the one before signs too, and any older one no more. @throws GantryError `NOT_FOUND` */
  rotateSecret(actor: Actor, { id, idempotencyKey }: RotateSecretInput): Promise<WebhookWithSecret> {
    const { sealer } = this.deps
    return this.withSecret(actor, 'webhooks.rotateSecret', idempotencyKey, { id }, async (tx) => {
      const before = await lock(tx, actor, id)
      const secretCipher = sealer.seal(newWebhookSecret(), secretAt(id))
      const previousSecretCipher = asPrevious(before, sealer)
      const previousSecretUntil = new Date(tx.now.getTime() + ROTATION_MS)
      const patch = { secretCipher, previousSecretCipher, previousSecretUntil }
      await tx.webhooks.update(id, patch, tx.now)
      record(tx, actor, 'webhook.updated', id)
      return { id, secretCipher }
    })
  }

  /** Posts a `webhook.test`, whatever the webhook is subscribed to. @throws GantryError `NOT_FOUND`, `INVALID_STATE` */
  async test(actor: Actor, webhookId: string): Promise<WebhookDelivery> {
    const id = await this.deps.unitOfWork.run(async (tx) => {
      expectEnabled(await lock(tx, actor, webhookId))
      const id = newId('webhookDelivery')
      const jobId = tx.jobs.add(webhookDelivery, { deliveryId: id })
      const type = 'webhook.test'
      const subject = { type: 'webhook', id: webhookId }
      const body = messageText({ id, type, createdAt: tx.now, subject, data: { webhookId } })
      await tx.webhookDeliveries.add([{ id, webhookId, jobId, eventCursor: null, eventType: type, body }])
      return id
    })
    return findDelivery(this.deps.reads, actor, id)
  }

  /** @throws GantryError `NOT_FOUND` */
  async deliveries(actor: Actor, query: DeliveryQuery): Promise<Page<WebhookDelivery>> {
    await find(this.deps.reads, actor, query.webhookId)
    return this.deps.lists.read(actor, ({ webhookDeliveries }) => webhookDeliveries.list(actor, query))
  }

  /** Makes it anew and at once, whatever became of it, under the same id. @throws GantryError `NOT_FOUND`, `INVALID_STATE` */
  async redeliver(actor: Actor, deliveryId: string): Promise<WebhookDelivery> {
    await this.deps.unitOfWork.run(async (tx) => {
      const { webhookId } = await findDelivery(tx, actor, deliveryId)
      expectEnabled(await lock(tx, actor, webhookId))
      await tx.webhookDeliveries.reopen(deliveryId, tx.jobs.add(webhookDelivery, { deliveryId }))
    })
    return findDelivery(this.deps.reads, actor, deliveryId)
  }

  /** What is kept for a repeated call is sealed, as everything that is stored of a secret. */
  private async withSecret(
    actor: Actor,
    procedure: string,
    key: string | undefined,
    input: unknown,
    work: (tx: Transaction) => Promise<{ id: string; secretCipher: string }>,
  ): Promise<WebhookWithSecret> {
    const { unitOfWork, sealer } = this.deps
    const { id, secretCipher } = await (key === undefined
      ? unitOfWork.run(work)
      : unitOfWork.once({ actorId: actor.id, key, procedure, input }, work))
    return { ...(await this.get(actor, id)), secret: sealer.open(secretCipher, secretAt(id)) }
  }
}

const present = ({ secretCipher: _, previousSecretCipher: _previous, ...webhook }: WebhookRecord): Webhook => webhook

/** Null when it cannot be opened any more: then it signs nothing, and a new one is the cure. */
const asPrevious = ({ id, secretCipher }: WebhookRecord, sealer: CredentialSealer): string | null => {
  let secret: string
  try {
    secret = sealer.open(secretCipher, secretAt(id))
  } catch {
    return null
  }
  return sealer.seal(secret, previousSecretAt(id))
}

const find = async ({ webhooks }: Repositories, actor: Actor, id: string): Promise<WebhookRecord> => {
  const webhook = await webhooks.get(actor, id)
  if (webhook === null) throw notFound('webhook', id)
  return webhook
}

const lock = async (tx: Transaction, actor: Actor, id: string): Promise<WebhookRecord> => {
  await find(tx, actor, id)
  const webhook = await tx.webhooks.lock(id)
  if (webhook === null) throw notFound('webhook', id)
  return webhook
}

const findDelivery = async (
  { webhookDeliveries }: Repositories,
  actor: Actor,
  id: string,
): Promise<WebhookDelivery> => {
  const delivery = await webhookDeliveries.get(actor, id)
  if (delivery === null) throw notFound('webhook delivery', id)
  return delivery
}

const expectEnabled = ({ enabled }: WebhookRecord): void => {
  if (!enabled) throw new GantryError('INVALID_STATE', { params: { detail: GIVEN_UP } })
}

/** Whoever says where it goes, or switches it on, wants to see how it does from now on. */
const FRESH = { consecutiveFailures: 0, failingSince: null } as const

const patchOf = (
  before: WebhookRecord,
  { url, description, eventTypes, minSeverity, enabled }: Omit<UpdateWebhookInput, 'id' | 'ifVersion'>,
  now: Date,
): WebhookPatch => ({
  ...(description === undefined ? {} : { description }),
  ...(eventTypes === undefined ? {} : { eventTypes }),
  ...(minSeverity === undefined ? {} : { minSeverity }),
  ...(url === undefined ? {} : { url, ...FRESH }),
  ...(enabled === undefined || enabled === before.enabled
    ? {}
    : enabled
      ? switchedOn(now)
      : switchedOff('by_person', now)),
})

const switchedOn = (now: Date): WebhookPatch => ({
  ...{ enabled: true, activeSince: now, disabledAt: null, disabledReason: null },
  ...FRESH,
})

const record = (
  tx: Transaction,
  actor: Actor,
  type: 'webhook.created' | 'webhook.updated' | 'webhook.removed',
  webhookId: string,
): void => tx.record({ type, subjectType: 'webhook', subjectId: webhookId, payload: { webhookId } }, actor.id)
