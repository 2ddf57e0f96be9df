import type { AlarmSeverity, WebhookDisabledReason, WebhookSubscription } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type {
  NewWebhook,
  Subscriber,
  WebhookPatch,
  WebhookRecord,
  WebhookRepository,
} from '../modules/webhooks/webhooks.ports.js'
import type { Prisma } from './generated/client.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'
import { visibleWebhooks } from './scope.js'

type Row = Prisma.WebhookGetPayload<object>

const recordOf = ({ activeSince: _since, createdById: _by, removedAt: _removed, ...row }: Row): WebhookRecord => ({
  ...row,
  eventTypes: row.eventTypes as WebhookSubscription[],
  disabledReason: row.disabledReason as WebhookDisabledReason | null,
})

export class PrismaWebhookRepository implements WebhookRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async list(actor: Actor, { limit, cursor }: { limit: number; cursor: string | null }) {
    const rows = await this.tx.webhook.findMany({
      where: { AND: [visibleWebhooks(actor), olderThan(decodeCursor(cursor))] },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }), recordOf)
  }

  async get(actor: Actor, webhookId: string) {
    const row = await this.tx.webhook.findFirst({ where: { AND: [visibleWebhooks(actor), { id: webhookId }] } })
    return row === null ? null : recordOf(row)
  }

  async lock(webhookId: string) {
    await this.tx.$queryRaw`select 1 from webhook where id = ${webhookId} for update`
    const row = await this.tx.webhook.findFirst({ where: { id: webhookId, removedAt: null } })
    return row === null ? null : recordOf(row)
  }

  async lockEnabled() {
    return this.tx.$queryRaw<Subscriber[]>`
      select id, event_types as "eventTypes", min_severity::text as "minSeverity", active_since as "activeSince"
      from webhook where enabled and removed_at is null order by id for share`
  }

  async count() {
    return this.tx.webhook.count({ where: { removedAt: null } })
  }

  async create(webhook: NewWebhook) {
    await this.tx.webhook.create({ data: webhook })
  }

  async update(webhookId: string, patch: WebhookPatch, now: Date) {
    await this.tx.webhook.update({
      where: { id: webhookId },
      data: { ...patch, version: { increment: 1 }, updatedAt: now },
    })
  }

  async remove(webhookId: string, now: Date) {
    await this.tx.webhook.update({
      where: { id: webhookId },
      data: { removedAt: now, enabled: false, secretCipher: '', previousSecretCipher: null },
    })
  }

  async noteFailure(webhookId: string, now: Date) {
    await this.tx.$executeRaw`
      update webhook set consecutive_failures = consecutive_failures + 1, failing_since = coalesce(failing_since, ${now})
      where id = ${webhookId}`
  }

  async noteSuccess(webhookId: string) {
    // One that does well is not written to.
    await this.tx.webhook.updateMany({
      where: { id: webhookId, failingSince: { not: null } },
      data: { consecutiveFailures: 0, failingSince: null },
    })
  }

  async severitiesOf(alarmIds: string[]) {
    if (alarmIds.length === 0) return new Map<string, AlarmSeverity>()
    const rows = await this.tx.alarm.findMany({
      where: { id: { in: alarmIds } },
      select: { id: true, severity: true },
    })
    return new Map(rows.map(({ id, severity }) => [id, severity]))
  }
}
