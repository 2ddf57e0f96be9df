import { describe, expect, it } from 'vitest'

import { SmtpMailSender } from '../../adapters/mail/smtp-mail-sender.js'
import { repositoriesFor } from '../../db/repositories.js'
import { createUnitOfWork } from '../../db/unit-of-work.js'
import type { JobDelivery } from '../../kernel/index.js'
import { startMailServer, type MailServer } from '../../testing/mail-server.js'
import { openTestDatabase, silentHook } from '../../testing/open-database.js'
import { createEmailNotificationHandler } from './email-notification.handler.js'
import { emailNotification, type EmailContent } from './notifications.jobs.js'
import type { MailSender } from './notifications.ports.js'

/** As the settings have it. */
const FROM = Object.freeze({ name: 'Gantry', address: 'gantry@example.org' })
const TO = 'ada@example.org'
const CONTENT: EmailContent = { template: 'test', data: { requestedBy: 'Ada' } }

const SEALER = { open: (cipher: string) => cipher.replace(/^sealed /, '') }

type Delivery = JobDelivery<typeof emailNotification>

const senderTo = ({ url }: MailServer, answerMs = 10_000): MailSender =>
  new SmtpMailSender({ url, from: FROM, deadlines: { connectMs: 2_000, greetingMs: 2_000, answerMs } })

const open = async (sender: MailSender | null) => {
  const database = await openTestDatabase()
  const { prisma } = database
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const handlerWith = (with_: MailSender | null) =>
    createEmailNotificationHandler({
      unitOfWork,
      sender: with_,
      publicUrl: 'https://gantry.example.org',
      sealer: SEALER,
    })
  const handler = handlerWith(sender)
  const deliver = (more: Partial<Delivery> = {}, by = handler) =>
    by.handle({
      ...{ jobId: 'ob_1', payload: { to: TO, key: 'k', content: CONTENT }, attempt: 1, attempts: 8 },
      signal: new AbortController().signal,
      ...more,
    })
  const rows = () => prisma.emailMessage.findMany({ orderBy: { id: 'asc' } })
  /** An order in the outbox, as its relay would have taken it. */
  const ordered = async () => {
    const jobId = await unitOfWork.run((tx) =>
      Promise.resolve(tx.jobs.add(emailNotification, { to: TO, key: 'k', content: CONTENT })),
    )
    return { jobId, state: async () => (await prisma.outbox.findUniqueOrThrow({ where: { id: jobId } })).state }
  }
  return { prisma, deliver, rows, ordered, handlerWith, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() }
}

describe('a mail', () => {
  it('is sent as text and as HTML, and the job is done with it', async () => {
    await using server = await startMailServer()
    await using bench = await open(senderTo(server))
    const { jobId, state } = await bench.ordered()
    await bench.deliver({ jobId })
    expect(server.mails).toHaveLength(1)
    const [{ to, parsed }] = server.mails as [MailServer['mails'][number]]
    expect(to).toEqual([TO])
    expect(parsed.from?.value).toEqual([FROM])
    expect(parsed.subject).toBe('Test mail from Gantry')
    expect(parsed.text).toContain('Asked for by: Ada')
    expect(parsed.html).toContain('href="https://gantry.example.org"')
    expect(parsed.messageId).toMatch(/^<[0-9a-f]{40}@example\.org>$/)
    expect(await bench.rows()).toMatchObject([{ key: 'k', to: TO, state: 'sent', reason: null, tries: 1, jobId }])
    expect(await state()).toBe('done')
  })

  it('is sent once for two deliveries at once, for later ones, and for other orders with its key', async () => {
    await using server = await startMailServer()
    await using bench = await open(senderTo(server))
    const both = await Promise.allSettled([bench.deliver(), bench.deliver({ jobId: 'ob_2' })])
    expect(both.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(1)
    await bench.deliver({ attempt: 2 })
    await bench.deliver({ jobId: 'ob_3' })
    expect(server.mails).toHaveLength(1)
    expect(await bench.rows()).toMatchObject([{ state: 'sent', tries: 1 }])
  })

  it('of the same key to another address is another mail, and so is one of another key', async () => {
    await using server = await startMailServer()
    await using bench = await open(senderTo(server))
    await bench.deliver()
    await bench.deliver({ payload: { to: 'bob@example.org', key: 'k', content: CONTENT } })
    await bench.deliver({ payload: { to: TO, content: CONTENT }, jobId: 'ob_9' })
    expect(server.mails.map(({ to }) => to[0])).toEqual([TO, 'bob@example.org', TO])
    expect(new Set(server.mails.map(({ parsed }) => parsed.messageId)).size).toBe(3)
    expect((await bench.rows()).map(({ key }) => key)).toEqual(['k', 'k', 'ob_9'])
  })

  it('that somebody has in hand is left to him; when he is gone it is sent, under the same Message-ID', async () => {
    await using server = await startMailServer()
    const gone = new AbortController()
    await using bench = await open(senderTo(server))
    server.answers = ['silence']
    const first = bench.deliver({ signal: gone.signal })
    await expect.poll(() => server.tries).toBe(1)
    await expect(bench.deliver({ jobId: 'ob_2' })).rejects.toThrow('by somebody else')
    await bench.prisma.emailMessage.updateMany({ data: { sendingUntil: new Date(0) } })
    await bench.deliver({ jobId: 'ob_2' })
    gone.abort()
    await expect(first).rejects.toThrow()
    expect(await bench.rows()).toMatchObject([{ state: 'sent', tries: 2, reason: null }])
    // The server took it, and we died before we noted it.
    await bench.prisma.emailMessage.updateMany({ data: { state: 'sending', sendingUntil: new Date(0) } })
    await bench.deliver({ jobId: 'ob_3' })
    expect(server.mails).toHaveLength(2)
    expect(new Set(server.mails.map(({ parsed }) => parsed.messageId)).size).toBe(1)
    expect(new Set(server.mails.map(({ parsed }) => parsed.date?.getTime())).size).toBe(1)
  })

  it('that the server refuses for good is failed at once', async () => {
    await using server = await startMailServer()
    await using bench = await open(senderTo(server))
    server.answers = [550]
    await expect(bench.deliver()).rejects.toMatchObject({ name: 'JobRefused' })
    expect(await bench.rows()).toMatchObject([{ state: 'failed', reason: expect.stringContaining('550') as string }])
  })

  it('that the server cannot take now is tried again', async () => {
    await using server = await startMailServer()
    await using bench = await open(senderTo(server))
    server.answers = [451]
    await expect(bench.deliver()).rejects.toMatchObject({ name: expect.not.stringMatching('JobRefused') as string })
    expect(await bench.rows()).toMatchObject([{ state: 'sending', reason: expect.stringContaining('451') as string }])
    await bench.deliver({ attempt: 2 })
    expect(server.mails).toHaveLength(1)
    expect(await bench.rows()).toMatchObject([{ state: 'sent', reason: null, tries: 2 }])
  })

  it('is failed when its last try failed, and sent when it is ordered again', async () => {
    await using server = await startMailServer()
    await using bench = await open(senderTo(server))
    server.answers = [451]
    await expect(bench.deliver({ attempt: 8 })).rejects.toThrow('451')
    expect(await bench.rows()).toMatchObject([{ state: 'failed' }])
    await bench.deliver({ jobId: 'ob_2' })
    expect(await bench.rows()).toMatchObject([{ state: 'sent' }])
  })

  it('to a server that never answers is given up within the deadline, and at an abort at once', async () => {
    await using server = await startMailServer()
    await using bench = await open(senderTo(server, 300))
    server.answers = ['silence', 'silence']
    await expect(bench.deliver()).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    const abort = new AbortController()
    const patient = bench.handlerWith(senderTo(server, 600_000))
    const delivered = bench.deliver({ signal: abort.signal }, patient)
    await expect.poll(() => server.tries).toBe(2)
    abort.abort()
    await expect(delivered).rejects.toMatchObject({ code: 'EABORT' })
    expect(await bench.rows()).toMatchObject([{ state: 'sending', tries: 2, sendingUntil: null }])
  })

  it.each([
    ['invitation', 'invitation'],
    ['password-reset', 'reset'],
  ] as const)('with a sealed token hands it over as a link: %s', async (template, page) => {
    await using server = await startMailServer()
    await using bench = await open(senderTo(server))
    const data = { userId: 'usr_1', sealedToken: 'sealed abc', expiresAt: '2026-11-27T08:00:00Z' }
    await bench.deliver({ payload: { to: TO, key: 'k', content: { template, data } } })
    expect(server.mails[0]?.parsed.text).toContain(`Link: https://gantry.example.org/account/password#${page}=abc`)
    expect(server.mails[0]?.parsed.text).not.toContain('sealed')
  })

  it('without a mail server is skipped, says why, and is done; a later order with one is sent', async () => {
    await using bench = await open(null)
    const { jobId, state } = await bench.ordered()
    await bench.deliver({ jobId })
    expect(await bench.rows()).toMatchObject([{ state: 'skipped', reason: 'SMTP_URL is not set', tries: 0, jobId }])
    expect(await state()).toBe('done')
    await using server = await startMailServer()
    await bench.deliver({ jobId: 'ob_2' }, bench.handlerWith(senderTo(server)))
    expect(await bench.rows()).toMatchObject([{ state: 'sent', reason: null }])
    await bench.deliver({ jobId: 'ob_3' })
    expect(await bench.rows()).toMatchObject([{ state: 'sent' }])
  })
})

describe('whatever a mail is told', () => {
  const EVIL = '<script>alert("1")</script>\r\nBcc: eve@example.org\r\n\r\n\u202e\ud800&'

  const CONTENTS: EmailContent[] = [
    {
      template: 'alarm-raised',
      data: {
        ...{ alarmId: EVIL, code: 'FOREIGN_PRINT', severity: 'warning', params: { fileName: EVIL } },
        ...{ subjectType: EVIL, subjectId: EVIL, raisedAt: '2026-11-27T08:00:00Z' },
      },
    },
    { template: 'export-ready', data: { exportId: EVIL, format: 'csv', expiresAt: '2026-11-27T08:00:00Z' } },
    { template: 'webhook-disabled', data: { webhookId: EVIL, url: EVIL, reason: EVIL } },
    { template: 'message', data: { subject: EVIL, heading: EVIL, lines: [{ name: EVIL, value: EVIL }] } },
    { template: 'test', data: { requestedBy: EVIL } },
  ]

  it.each(CONTENTS)('$template shows it as text, in one line, to nobody else', async (content) => {
    await using server = await startMailServer()
    await using bench = await open(senderTo(server))
    await bench.deliver({ payload: { to: TO, key: 'k', content } })
    const [mail] = server.mails
    expect(mail?.to).toEqual([TO])
    const { headers, html, text, subject = '' } = mail!.parsed
    expect([...headers.keys()].sort()).toEqual(
      'auto-submitted content-type date from message-id mime-version subject to'.split(' '),
    )
    expect(html).not.toContain('<script')
    expect(html).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; Bcc: eve@example.org')
    expect(`${html as string}${text ?? ''}${subject}`).not.toMatch(/[\u202e\ud800]/)
    expect(text).not.toMatch(/^Bcc:/m)
    expect(subject).not.toMatch(/[\r\n]/)
  })
})

describe('what an older producer sends', () => {
  const translated = (payload: unknown) =>
    emailNotification.payload.safeParse(emailNotification.earlier?.[1]?.(payload))

  it('is a mail with its subject and its data line by line, sent once per job', async () => {
    await using server = await startMailServer()
    await using bench = await open(senderTo(server))
    const data = { name: 'Ada', order: { id: 7, paid: true }, tags: ['a', 'b'], nothing: null }
    const { data: payload } = translated({ to: 'Ada <ada@example.org>', subject: 'Hello', template: 'welcome', data })
    await bench.deliver({ payload: payload! })
    await bench.deliver({ payload: payload!, attempt: 2 })
    expect(server.mails).toHaveLength(1)
    const { parsed } = server.mails[0]!
    expect([parsed.subject, server.mails[0]?.to]).toEqual(['Hello', [TO]])
    expect(parsed.text?.split('\n')).toEqual(
      expect.arrayContaining(['welcome', 'name: Ada', 'order.id: 7', 'order.paid: true', 'tags.0: a', 'tags.1: b']),
    )
  })

  it('is bounded', () => {
    const data = Object.fromEntries(
      Array.from({ length: 500 }, (_, n) => [`${n} ${'k'.repeat(500)}`, 'v'.repeat(9_999)]),
    )
    const { success, data: payload } = translated({ to: TO, subject: 's'.repeat(999), template: 't'.repeat(999), data })
    expect(success).toBe(true)
    expect(payload?.content).toMatchObject({ template: 'message', data: { lines: { length: 50 } } })
    let deep: unknown = 'x'
    for (let depth = 0; depth < 2_000; depth++) deep = { deep }
    expect(translated({ to: TO, subject: '', template: '', data: deep }).success).toBe(true)
    expect(translated({ to: TO, subject: 's', template: 't', data: undefined }).success).toBe(true)
  })

  it.each([null, 'text', {}, { to: 'nobody', subject: 's', template: 't' }, { to: 7 }])(
    'that is none: %j',
    (payload) => {
      expect(translated(payload).success).toBe(false)
    },
  )
})
