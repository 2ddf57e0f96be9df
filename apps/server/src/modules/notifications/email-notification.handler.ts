import { createHash } from 'node:crypto'

import {
  handleJob,
  JobRefused,
  type JobDelivery,
  type JobHandler,
  type SealedAt,
  type UnitOfWork,
} from '../../kernel/index.js'
import { emailTextOf } from './email-templates.js'
import { rendered, type EmailText, type RenderedEmail } from './email-text.js'
import { emailNotification, type EmailContent } from './notifications.jobs.js'
import {
  MailRefused,
  type EmailClaim,
  type EmailOrder,
  type EmailRepository,
  type MailSender,
} from './notifications.ports.js'
import { passwordLinkAt, passwordPage } from './password-page.js'

interface Repositories {
  emails: EmailRepository
}

export interface EmailNotificationDeps {
  unitOfWork: UnitOfWork<Repositories>
  /** Null: no mail server is set. */
  sender: MailSender | null
  /** Where the mail's link leads; null: it has none. */
  publicUrl: string | null
  /** Opens the tokens that mails hand over. */
  sealer: { open(cipher: string, at: SealedAt): string }
}

/** As long as a delivery may take, and some seconds in which its end is written down. */
const CLAIM_SECONDS = emailNotification.timeoutMs / 1_000 + 15

const MAX_REASON = 500

const NO_SERVER = 'SMTP_URL is not set'

type Claimed = Extract<EmailClaim, { kind: 'claimed' }>

/** The same for each try, so that receivers can tell a copy. */
const fingerprintOf = ({ key, to }: EmailOrder): string =>
  createHash('sha256')
    .update(JSON.stringify([key, to]))
    .digest('hex')
    .slice(0, 40)

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON)

/** Sends a mail once per key and address; a second copy only if this process dies between the server's yes and our note. */
class EmailNotificationHandler {
  constructor(private readonly deps: EmailNotificationDeps) {}

  async handle({ jobId, payload, attempt, attempts, signal }: JobDelivery<typeof emailNotification>): Promise<void> {
    const { to, key = jobId, content } = payload
    const mail = rendered(this.textOf(content), this.deps.publicUrl)
    const order = { key, to, template: content.template, subject: mail.subject, jobId }
    const { sender } = this.deps
    if (sender === null) {
      await this.conclude(jobId, ({ emails }) => emails.skip(order, NO_SERVER))
      return
    }
    const claim = await this.deps.unitOfWork.run(({ emails }) => emails.claim(order, CLAIM_SECONDS))
    if (claim.kind === 'sent') return
    if (claim.kind !== 'claimed') throw new Error('this mail is being sent by somebody else just now')
    await this.sendClaimed(sender, claim, { order, mail, isLast: attempt >= attempts, signal })
    await this.conclude(jobId, ({ emails, now }) => emails.sent(claim.id, now))
  }

  /** With what is sealed in the job, which stands in the mail alone. */
  private textOf(content: EmailContent): EmailText {
    const text = emailTextOf(content)
    if (content.template !== 'invitation' && content.template !== 'password-reset') return text
    const { publicUrl, sealer } = this.deps
    const token = sealer.open(content.data.sealedToken, passwordLinkAt(content.data.userId))
    const purpose = content.template === 'invitation' ? 'invitation' : 'reset'
    const way =
      publicUrl === null
        ? { name: 'Token', value: token }
        : { name: 'Link', value: passwordPage(publicUrl, purpose, token) }
    return { ...text, facts: [...text.facts, way] }
  }

  /** @throws JobRefused for a mail that the server will never take, and whatever else went wrong */
  private async sendClaimed(sender: MailSender, claim: Claimed, { order, mail, isLast, signal }: Sending) {
    const { to } = order
    try {
      await sender.send({ ...mail, to, fingerprint: fingerprintOf(order), date: claim.createdAt }, signal)
    } catch (error) {
      const isRefused = error instanceof MailRefused
      const state = isRefused || isLast ? 'failed' : 'sending'
      await this.deps.unitOfWork.run(({ emails, now }) => emails.giveBack(claim, state, reasonOf(error), now))
      throw isRefused ? new JobRefused(error.message, { cause: error }) : error
    }
  }

  /** What became of the mail, and that the job is done, in one. */
  private conclude(jobId: string, note: (tx: Repositories & { now: Date }) => Promise<void>): Promise<void> {
    return this.deps.unitOfWork.run(async (tx) => {
      await tx.finishJob(jobId)
      await note(tx)
    })
  }
}

interface Sending {
  order: EmailOrder
  mail: RenderedEmail
  /** Nobody tries again after this. */
  isLast: boolean
  signal: AbortSignal
}

export const createEmailNotificationHandler = (deps: EmailNotificationDeps): JobHandler => {
  const handler = new EmailNotificationHandler(deps)
  return handleJob(emailNotification, (delivery) => handler.handle(delivery))
}
