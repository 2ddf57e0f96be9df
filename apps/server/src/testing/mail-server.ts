import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import { simpleParser, type ParsedMail } from 'mailparser'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface MailServer extends AsyncDisposable {
  url: string
  /** What was taken, with the recipients of the envelope and whether it came over TLS. */
  mails: { to: string[]; raw: string; parsed: ParsedMail; secure: boolean }[]
  /** What the next mails are answered, one each: null takes the mail, `silence` never answers. Afterwards all are taken. */
  answers: (null | 'silence' | number)[]
  /** How many came as far as their recipient. */
  tries: number
}

export const startMailServer = async (options: SMTPServerOptions = {}): Promise<MailServer> => {
  const server = new SMTPServer({
    ...{ authOptional: true, disabledCommands: ['STARTTLS'], disableReverseLookup: true, closeTimeout: 100 },
    onRcptTo: (_address, _session, callback) => {
      rig.tries++
      const answer = rig.answers.shift() ?? null
      if (answer === 'silence') return
      callback(answer === null ? null : Object.assign(new Error('not today'), { responseCode: answer }))
    },
    onData: (stream, session, callback) => {
      const take = async () => {
        const chunks: Buffer[] = []
        for await (const chunk of stream) chunks.push(chunk as Buffer)
        const bytes = Buffer.concat(chunks)
        const to = session.envelope.rcptTo.map(({ address }) => address)
        const parsed = await simpleParser(bytes)
        rig.mails.push({ to, raw: bytes.toString('latin1'), parsed, secure: session.secure })
      }
      take().then(() => callback(), callback)
    },
    ...options,
  })
  // Clients that hang up in the middle are what some tests are about.
  server.on('error', () => undefined)
  const rig: MailServer = {
    ...{ url: '', mails: [], answers: [], tries: 0 },
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
  const listener = server.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  rig.url = `${options.secure === true ? 'smtps' : 'smtp'}://127.0.0.1:${(listener.address() as AddressInfo).port}`
  return rig
}
