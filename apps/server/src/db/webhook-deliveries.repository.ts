import type { WebhookDelivery, WebhookErrorCode } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type {
  DeliveryQuery,
  NewDelivery,
  TryResult,
  WebhookDeliveryRepository,
} from '../modules/webhooks/webhooks.ports.js'
import type { Prisma } from './generated/client.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'
import { visibleWebhooks } from './scope.js'

type Row = Prisma.WebhookDeliveryGetPayload<object>

const deliveryOf = (row: Row): WebhookDelivery => ({
  id: row.id,
  webhookId: row.webhookId,
  eventType: row.eventType,
  payload: JSON.parse(row.body) as Record<string, unknown>,
  state: row.state,
  attempts: row.attempts,
  lastStatus: row.lastStatus,
  lastError:
    row.lastErrorCode === null
      ? null
      : { code: row.lastErrorCode as WebhookErrorCode, detail: row.lastErrorDetail ?? '' },
  responseExcerpt: row.responseExcerpt,
  nextTryAt: row.nextTryAt,
  createdAt: row.createdAt,
  lastTriedAt: row.lastTriedAt,
  finishedAt: row.finishedAt,
})

const tried = ({ status, error, excerpt }: TryResult, now: Date) => ({
  attempts: { increment: 1 },
  lastStatus: status,
  lastErrorCode: error?.code ?? null,
  lastErrorDetail: error?.detail ?? null,
  responseExcerpt: excerpt,
  lastTriedAt: now,
})

/** Rows in one deleting statement, so that none runs into the statement time-out. */
const REMOVED_AT_ONCE = 10_000

const WITH_WEBHOOK = {
  webhook: {
    select: {
      ...{ id: true, url: true, enabled: true },
      ...{ secretCipher: true, previousSecretCipher: true, previousSecretUntil: true },
    },
  },
} as const satisfies Prisma.WebhookDeliveryInclude

export class PrismaWebhookDeliveryRepository implements WebhookDeliveryRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async list(actor: Actor, { webhookId, state, limit, cursor }: DeliveryQuery) {
    const rows = await this.tx.webhookDelivery.findMany({
      where: {
        webhookId,
        webhook: visibleWebhooks(actor),
        ...(state === null ? {} : { state }),
        AND: [olderThan(decodeCursor(cursor))],
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }), deliveryOf)
  }

  async get(actor: Actor, deliveryId: string) {
    const row = await this.tx.webhookDelivery.findFirst({
      where: { id: deliveryId, webhook: visibleWebhooks(actor) },
    })
    return row === null ? null : deliveryOf(row)
  }

  async find(deliveryId: string) {
    return this.tx.webhookDelivery.findUnique({ where: { id: deliveryId }, include: WITH_WEBHOOK })
  }

  async add(deliveries: NewDelivery[]) {
    // One parameter for all of them: a batch may have more rows than a statement takes parameters.
    const rows = deliveries.map(({ id, webhookId, eventCursor, eventType, body, jobId }) => ({
      ...{ id, webhook_id: webhookId, event_cursor: eventCursor, event_type: eventType, body, job_id: jobId },
    }))
    await this.tx.$executeRaw`
      insert into webhook_delivery (id, webhook_id, event_cursor, event_type, body, job_id)
      select id, webhook_id, event_cursor, event_type, body, job_id
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as t (
        id text, webhook_id text, event_cursor text, event_type text, body text, job_id text)
      on conflict (webhook_id, event_cursor) do nothing`
  }

  async lockPending(deliveryId: string, jobId: string) {
    const rows = await this.tx.$queryRaw<object[]>`
      select 1 from webhook_delivery where id = ${deliveryId} and job_id = ${jobId} and state = 'pending' for update`
    return rows.length === 1
  }

  async tryAgain(deliveryId: string, result: TryResult, nextTryAt: Date, now: Date) {
    await this.tx.webhookDelivery.update({ where: { id: deliveryId }, data: { ...tried(result, now), nextTryAt } })
  }

  async finish(deliveryId: string, state: 'delivered' | 'failed', result: TryResult, now: Date) {
    const data = { ...tried(result, now), state, nextTryAt: null, finishedAt: now }
    await this.tx.webhookDelivery.update({ where: { id: deliveryId }, data })
  }

  async giveUp(webhookId: string, detail: string, now: Date, deliveryId?: string) {
    await this.tx.webhookDelivery.updateMany({
      where: { webhookId, state: 'pending', ...(deliveryId === undefined ? {} : { id: deliveryId }) },
      data: {
        ...{ state: 'failed', nextTryAt: null, finishedAt: now },
        ...{ lastErrorCode: 'DISABLED' satisfies WebhookErrorCode, lastErrorDetail: detail },
      },
    })
  }

  async reopen(deliveryId: string, jobId: string) {
    await this.tx.webhookDelivery.update({
      where: { id: deliveryId },
      data: { jobId, state: 'pending', attempts: 0, nextTryAt: null, finishedAt: null },
    })
  }

  async removeOlderThan(days: number) {
    let removed = 0
    for (let rows = REMOVED_AT_ONCE; rows >= REMOVED_AT_ONCE; removed += rows) rows = await this.removeSome(days)
    return removed
  }

  private removeSome(days: number): Promise<number> {
    return this.tx.$executeRaw`
      delete from webhook_delivery where id in (
        select id from webhook_delivery where created_at < now() - make_interval(days => ${days}::int)
        limit ${REMOVED_AT_ONCE})`
  }
}
