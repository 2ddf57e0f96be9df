import type { EmailMessage } from '@gantry/schemas'
import { expect, it } from 'vitest'

import { startAppUnderTest } from '../../src/testing/app-under-test.js'
import { startMailServer } from '../../src/testing/mail-server.js'

it('an admin sends a test mail to himself and sees what became of it, over REST', async () => {
  await using server = await startMailServer()
  await using app = await startAppUnderTest({ SMTP_URL: server.url, MAIL_FROM: 'Farm <farm@example.org>' })
  const { status, body } = await app.admin.rest('POST', '/api/notifications/emails/test')
  expect(status).toBe(200)
  const { id } = body as { id: string }
  const found = async (state: string) => {
    const answer = await app.admin.rest('GET', `/api/notifications/emails?state=${state}`)
    return (answer.body as { items: EmailMessage[] }).items.map((email) => email.id)
  }
  await expect.poll(() => found('sent'), { timeout: 15_000 }).toEqual([id])
  expect(await found('failed')).toEqual([])
  const to = 'admin@example.org'
  expect(server.mails).toMatchObject([
    { to: [to], parsed: { from: { text: expect.stringContaining('farm@') as string } } },
  ])
  const second = await app.admin.trpc.notifications.sendTestEmail.mutate()
  const first = await app.admin.trpc.notifications.emails.query({ limit: 1 })
  expect(first.items).toMatchObject([{ id: second.id, to, template: 'test' }])
  const rest = await app.admin.trpc.notifications.emails.query({ limit: 1, cursor: first.nextCursor! })
  expect([rest.items.map((email) => email.id), rest.nextCursor]).toEqual([[id], null])
  const operator = await app.logInAs('operator')
  expect((await operator.rest('POST', '/api/notifications/emails/test')).error?.code).toBe('FORBIDDEN')
})

it('without a mail server the test mail is skipped and says why', async () => {
  await using app = await startAppUnderTest()
  const { id } = await app.admin.trpc.notifications.sendTestEmail.mutate()
  const mails = async () => (await app.admin.trpc.notifications.emails.query({})).items
  await expect.poll(mails, { timeout: 15_000 }).toMatchObject([{ id, state: 'skipped', reason: 'SMTP_URL is not set' }])
})
