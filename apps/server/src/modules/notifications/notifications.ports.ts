import type { EmailMessage, EmailState, Page } from '@gantry/schemas'

/** A rendered mail to one address. */
export interface OutgoingMail {
  /** In hex; becomes the Message-ID, the same at each try, so that receivers can tell a second copy. */
  fingerprint: string
  date: Date
  to: string
  subject: string
  text: string
  html: string
}

/** The mail server says that it will never take this mail. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused'
}

export interface MailSender {
  /**
   * Hands the mail to the mail server, within deadlines of its own. After an abort, or a connection that broke, the mail
   * may have been taken all the same.
   * @throws MailRefused; any other error is worth another try
   */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<void>
}

export interface EmailOrder {
  key: string
  to: string
  template: string
  subject: string
  jobId: string
}

/** `tries` fences: whoever claimed before can no longer tell how it went. */
export type EmailClaim =
  { kind: 'claimed'; id: string; tries: number; createdAt: Date } | { kind: 'sent' } | { kind: 'busy' }

/** One row per key and address. */
export interface EmailRepository {
  /** Notes a mail of a new key that a job will send. */
  order(order: EmailOrder & { id: string }): Promise<void>
  /** Takes the mail in hand for so long, unless it was sent or somebody else has it in hand. */
  claim(order: EmailOrder, seconds: number): Promise<EmailClaim>
  sent(id: string, now: Date): Promise<void>
  /** The claim came to nothing; `failed` when nobody will try again. Without effect if somebody claimed it since. */
  giveBack(claim: { id: string; tries: number }, state: 'sending' | 'failed', reason: string, now: Date): Promise<void>
  /** Notes that it was not sent, unless it was. */
  skip(order: EmailOrder, reason: string): Promise<void>
  /** Newest first. */
  list(query: { state: EmailState | null; limit: number; cursor: string | null }): Promise<Page<EmailMessage>>
}

/** Who gets mails about the whole installation. */
export interface RecipientRepository {
  /** Addresses of the admins who may log in and see the whole farm. */
  adminAddresses(limit: number): Promise<string[]>
}
