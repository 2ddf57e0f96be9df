import { generate } from 'selfsigned'
import type { SMTPServerOptions } from 'smtp-server'
import { beforeAll, describe, expect, it } from 'vitest'

import type { OutgoingMail } from '../../modules/notifications/notifications.ports.js'
import { startMailServer } from '../../testing/mail-server.js'
import { SmtpMailSender } from './smtp-mail-sender.js'

const FROM = { name: 'Gantry', address: 'gantry@example.org' }
const MAIL: OutgoingMail = {
  ...{ fingerprint: 'f1', date: new Date('2026-11-27T12:00:00Z'), to: 'ada@example.org' },
  ...{ subject: 'Printed', text: 'It is printed.', html: '<p>It is printed.</p>' },
}
const USER = 'gantry:only-for-the-mail-server@'
const signal = new AbortController().signal

let certificate: { private: string; cert: string }
beforeAll(async () => {
  const altNames = [{ type: 7, ip: '127.0.0.1' } as const]
  certificate = await generate([{ name: 'commonName', value: 'mail.example.org' }], {
    ...{ keyType: 'ec', algorithm: 'sha256' },
    extensions: [{ name: 'subjectAltName', altNames }],
  })
})

/** A server with TLS that notes who logs in. */
const startSecureServer = async (options: SMTPServerOptions) => {
  const logins: (string | undefined)[] = []
  const { private: key, cert } = certificate
  const server = await startMailServer({
    ...{ key, cert, disabledCommands: [] },
    onAuth: ({ username }, _session, callback) => {
      logins.push(username)
      callback(null, { user: username })
    },
    ...options,
  })
  return { ...server, logins }
}

const withUser = (url: string): string => url.replace('://', `://${USER}`)

/** The same place under an address that is not known to be this machine. */
const asFarAway = (url: string): string => url.replace('127.0.0.1', '[::ffff:127.0.0.1]')

describe.each([
  { offered: 'from the first byte', secure: true },
  { offered: 'by STARTTLS', secure: false },
])('a mail server with TLS $offered', ({ secure }) => {
  it('that shows a trusted certificate gets the mail and the log-in over TLS', async () => {
    await using server = await startSecureServer({ secure })
    const sender = new SmtpMailSender({ url: withUser(server.url), from: FROM, ca: certificate.cert })
    await sender.send(MAIL, signal)
    expect(server.mails).toMatchObject([{ to: ['ada@example.org'], secure: true }])
    expect(server.logins).toEqual(['gantry'])
  })

  it('that shows a certificate of nobody we trust gets neither', async () => {
    await using server = await startSecureServer({ secure })
    const sender = new SmtpMailSender({ url: withUser(server.url), from: FROM })
    await expect(sender.send(MAIL, signal)).rejects.toThrow(/self-signed certificate/)
    expect(server.mails).toEqual([])
    expect(server.logins).toEqual([])
  })
})

describe('a mail server that offers no TLS', () => {
  const PLAIN: SMTPServerOptions = { disabledCommands: ['STARTTLS'], allowInsecureAuth: true }

  it('gets no password over the network, and so no mail', async () => {
    await using server = await startSecureServer(PLAIN)
    const sender = new SmtpMailSender({ url: asFarAway(withUser(server.url)), from: FROM })
    await expect(sender.send(MAIL, signal)).rejects.toThrow(/STARTTLS/i)
    expect(server.mails).toEqual([])
    expect(server.logins).toEqual([])
  })

  it('on this machine gets both', async () => {
    await using server = await startSecureServer(PLAIN)
    await new SmtpMailSender({ url: withUser(server.url), from: FROM }).send(MAIL, signal)
    expect(server.mails).toMatchObject([{ secure: false }])
    expect(server.logins).toEqual(['gantry'])
  })
})
