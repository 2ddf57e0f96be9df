import { createTransport } from 'nodemailer'

import { MailRefused, type MailSender, type OutgoingMail } from '../../modules/notifications/notifications.ports.js'

export interface SmtpMailSenderOptions {
  /** `smtp://` or `smtps://`, with user and password if the server wants them. */
  url: string
  from: { name: string; address: string }
  /** Milliseconds for the name's address and the connection, for the greeting, and for each answer after it. @default 10 000 each */
  deadlines?: { connectMs: number; greetingMs: number; answerMs: number }
  /** Certificate of an authority that is trusted instead of the system's. */
  ca?: string
}

const DEADLINES = { connectMs: 10_000, greetingMs: 10_000, answerMs: 10_000 }

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/

/** What nodemailer says of a failure. */
interface SmtpFailure extends Error {
  code?: string
  responseCode?: number
}

/** Failures of the mail itself; the others are of the connection, the log-in or the settings, and may pass. */
const ABOUT_THE_MAIL = ['EENVELOPE', 'EMESSAGE']

/** Without an answer the mail itself was found impossible, before it was sent. */
const isForGood = ({ code = '', responseCode = 500 }: SmtpFailure): boolean =>
  ABOUT_THE_MAIL.includes(code) && responseCode >= 500

const transportFor = ({ url, deadlines = DEADLINES, ca }: SmtpMailSenderOptions) => {
  const { protocol, hostname, port, username, password } = new URL(url)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const secure = protocol === 'smtps:'
  return createTransport({
    ...{ host, secure, port: Number(port) || (secure ? 465 : 587) },
    ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    // STARTTLS is used where it is offered. Whoever takes away the offer must not get a password for it.
    requireTLS: !secure && username !== '' && !LOOPBACK.test(host),
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
    ...{ dnsTimeout: deadlines.connectMs, connectionTimeout: deadlines.connectMs },
    ...{ greetingTimeout: deadlines.greetingMs, socketTimeout: deadlines.answerMs, socketCloseTimeout: 0 },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  })
}

/** Sends by SMTP, on a connection for each mail. */
export class SmtpMailSender implements MailSender {
  private readonly transport: ReturnType<typeof transportFor>

  constructor(private readonly options: SmtpMailSenderOptions) {
    this.transport = transportFor(options)
  }

  async send({ fingerprint, date, to, subject, text, html }: OutgoingMail, signal: AbortSignal): Promise<void> {
    const { from } = this.options
    try {
      await this.transport.sendMail({
        // nodemailer writes into the sender that it is given; the settings are frozen.
        ...{ from: { ...from }, to: { name: '', address: to }, subject, text, html, date, signal },
        messageId: `<${fingerprint}@${from.address.split('@').at(-1) ?? ''}>`,
        // Holiday notices of receivers would answer to nobody.
        headers: { 'Auto-Submitted': 'auto-generated' },
      })
    } catch (error) {
      if (isForGood(error as SmtpFailure)) throw new MailRefused((error as Error).message, { cause: error })
      throw error
    }
  }
}
