import { SmtpMailSender } from '../adapters/mail/smtp-mail-sender.js'
import type { Config } from '../config/config.js'
import type { MailSender } from '../modules/notifications/notifications.ports.js'

/** Null without `SMTP_URL`: then mails are noted as skipped. */
export const mailSender = ({ smtpUrl, from }: Config['mail']): MailSender | null =>
  smtpUrl === null ? null : new SmtpMailSender({ url: smtpUrl, from })
