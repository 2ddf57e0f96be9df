import {
  handleJob,
  JobPostponed,
  type Clock,
  type JobDelivery,
  type JobHandler,
  type Logger,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { UserRepository } from '../auth/auth.ports.js'
import type { CredentialSealer } from '../printers/printers.ports.js'
import { disable, GIVEN_UP } from './switch-off.js'
import { signedHeaders } from './webhook-signature.js'
import { askedPauseMs, pauseAfterMs, webhookDelivery } from './webhooks.jobs.js'
import { previousSecretAt, secretAt } from './webhooks.ports.js'
import type {
  DueDelivery,
  TryResult,
  WebhookDeliveryRepository,
  WebhookRecord,
  WebhookRepository,
  WebhookSender,
} from './webhooks.ports.js'

interface Repositories {
  users: Pick<UserRepository, 'adminAddresses'>
  webhooks: WebhookRepository
  webhookDeliveries: WebhookDeliveryRepository
}
type Transaction = Repositories & TransactionContext

export interface WebhookDeliveryDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Pick<Repositories, 'webhookDeliveries'>>
  sender: WebhookSender
  sealer: CredentialSealer
  clock: Clock
  log: Logger
}

const GONE = 410
const FAILING_FOR_MS = 24 * 3_600_000

type Delivery = JobDelivery<typeof webhookDelivery>

/** Posts one event to one webhook. Told more than once it posts nothing once the delivery's fate is written. */
export const createWebhookDeliveryHandler = (deps: WebhookDeliveryDeps): JobHandler<typeof webhookDelivery> =>
  handleJob(webhookDelivery, async (delivery) => {
    const { jobId, payload } = delivery
    const due = await deps.reads.webhookDeliveries.find(payload.deliveryId)
    // Another job makes it anew, or nobody does.
    if (due?.state !== 'pending' || due.jobId !== jobId) return
    if (!due.webhook.enabled) {
      await giveUp(deps, due, jobId)
      return
    }
    const result = await post(deps, due, delivery.signal)
    const isOver = await deps.unitOfWork.run((tx) =>
      result.error === null ? arrived(tx, due, jobId, result) : failed(tx, due, delivery, result),
    )
    const { error } = result
    if (!isOver)
      throw new JobPostponed(`webhook ${due.webhook.id} did not take it: ${error?.detail ?? ''}`, askedPauseMs(result))
    if (error !== null)
      deps.log.warn(
        { deliveryId: due.id, webhookId: due.webhook.id, error },
        'a webhook did not take an event, and it is not tried again',
      )
  })

const post = async ({ sender, sealer, clock }: WebhookDeliveryDeps, due: DueDelivery, signal: AbortSignal) => {
  const { id, body, eventType, webhook } = due
  const atMs = clock.now()
  const secrets = signingSecrets(webhook, atMs, sealer)
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Gantry-Webhooks/1',
    'gantry-event': eventType,
    ...signedHeaders({ id, atMs, body }, secrets),
  }
  return sender.post({ url: webhook.url, headers, body, signal })
}

const signingSecrets = (webhook: DueDelivery['webhook'], atMs: number, sealer: CredentialSealer): string[] => {
  const { id, secretCipher, previousSecretCipher, previousSecretUntil } = webhook
  const secret = sealer.open(secretCipher, secretAt(id))
  const isPreviousGood = previousSecretUntil !== null && previousSecretUntil.getTime() > atMs
  if (previousSecretCipher === null || !isPreviousGood) return [secret]
  return [secret, sealer.open(previousSecretCipher, previousSecretAt(id))]
}

const giveUp = ({ unitOfWork }: WebhookDeliveryDeps, due: DueDelivery, jobId: string): Promise<void> =>
  unitOfWork.run(async (tx) => {
    if (!(await tx.finishJob(jobId))) return
    await tx.webhookDeliveries.giveUp(due.webhook.id, GIVEN_UP, tx.now, due.id)
  })

const arrived = async (tx: Transaction, due: DueDelivery, jobId: string, result: TryResult): Promise<true> => {
  if (!(await tx.finishJob(jobId))) return true
  await tx.webhooks.noteSuccess(due.webhook.id)
  if (await tx.webhookDeliveries.lockPending(due.id, jobId)) {
    await tx.webhookDeliveries.finish(due.id, 'delivered', result, tx.now)
  }
  return true
}

/** @returns whether there is no other try */
const failed = async (
  tx: Transaction,
  due: DueDelivery,
  { jobId, attempt, attempts }: Delivery,
  result: TryResult,
): Promise<boolean> => {
  const webhook = await tx.webhooks.lock(due.webhook.id)
  if (webhook === null || !(await tx.webhookDeliveries.lockPending(due.id, jobId))) return true
  await tx.webhooks.noteFailure(webhook.id, tx.now)
  const reason = reasonToDisable(webhook, result, tx.now)
  if (reason === null && attempt < attempts) {
    const nextTryAt = new Date(tx.now.getTime() + Math.max(pauseAfterMs(attempt), askedPauseMs(result)))
    await tx.webhookDeliveries.tryAgain(due.id, result, nextTryAt, tx.now)
    return false
  }
  // The delivery's own row says what became of it: the job has done all that it could.
  if (!(await tx.finishJob(jobId))) return true
  await tx.webhookDeliveries.finish(due.id, 'failed', result, tx.now)
  if (reason !== null) await disable(tx, webhook, reason)
  return true
}

const reasonToDisable = ({ failingSince }: WebhookRecord, { status }: TryResult, now: Date) => {
  if (status === GONE) return 'gone' as const
  const failingMs = failingSince === null ? 0 : now.getTime() - failingSince.getTime()
  return failingMs >= FAILING_FOR_MS ? ('failing' as const) : null
}
