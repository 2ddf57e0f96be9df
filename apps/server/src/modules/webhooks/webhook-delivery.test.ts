import { createHmac, timingSafeEqual } from 'node:crypto'

import type { CreateWebhookInput, WebhookWithSecret } from '@gantry/schemas'
import { describe, expect, it } from 'vitest'

import { newId } from '../../kernel/index.js'
import { admin, fileRemoved, openWebhookBench, type BenchOptions } from './testing/webhook-bench.js'
import { openReceiver, type ReceivedPost } from './testing/webhook-receiver.js'

const HOUR_MS = 3_600_000

/** As a receiver does it that knows nothing but the specification of Standard Webhooks. */
const isSignedWith = (secret: string, { headers, body }: ReceivedPost): boolean => {
  const text = (name: string) => String(headers[name])
  const signed = `${text('webhook-id')}.${text('webhook-timestamp')}.${body}`
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const expected = createHmac('sha256', key).update(signed).digest()
  return text('webhook-signature')
    .split(' ')
    .map((one) => one.split(','))
    .some(([version, value = '']) => {
      const given = Buffer.from(value, 'base64')
      return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
    })
}

/** A webhook to a receiver, with one event waiting for it. */
const open = async (options: BenchOptions = {}, input: Partial<CreateWebhookInput> = {}) => {
  const bench = await openWebhookBench(options)
  const receiver = await openReceiver()
  const webhook = await bench.create(receiver.url, input)
  await bench.record(fileRemoved('fil_1'))
  await bench.fanOutAll()
  return {
    ...{ bench, receiver, webhook },
    delivery: async () => {
      const [delivery] = await bench.deliveriesOf(webhook.id)
      if (delivery === undefined) throw new Error('nothing was ordered')
      return delivery
    },
    now: () => bench.webhooks.get(admin, webhook.id),
    [Symbol.asyncDispose]: async () => {
      await receiver[Symbol.asyncDispose]()
      await bench[Symbol.asyncDispose]()
    },
  }
}

type Opened = Awaited<ReturnType<typeof open>>

/** All that the webhook got has failed since so long. */
const failingSince = ({ bench, webhook }: Opened, agoMs: number) =>
  bench.prisma.webhook.update({
    where: { id: webhook.id },
    data: { failingSince: new Date(Date.now() - agoMs), consecutiveFailures: 7 },
  })

const addAdmin = async ({ bench }: Opened, role: 'admin' | 'operator', disabledAt: Date | null = null) => {
  const id = newId('user')
  const user = { id, email: `${id}@example.org`, displayName: role, passwordHash: '', role, disabledAt }
  await bench.prisma.user.create({ data: user })
  return user.email
}

describe('what is posted', () => {
  it('is the event, signed, under an id of its own', async () => {
    await using opened = await open()
    const { bench, receiver, webhook, delivery } = opened
    expect(await bench.deliverAll()).toEqual([])
    const [post] = receiver.received
    if (post === undefined) throw new Error('nothing came')
    const { id, payload, ...rest } = await delivery()
    expect(post.headers).toMatchObject({
      'content-type': 'application/json',
      'gantry-event': 'file.removed',
      'webhook-id': id,
    })
    expect(JSON.parse(post.body)).toEqual(payload)
    expect(isSignedWith(webhook.secret, post)).toBe(true)
    expect(isSignedWith(webhook.secret, { ...post, body: `${post.body} ` })).toBe(false)
    expect(rest).toMatchObject({
      ...{ state: 'delivered', attempts: 1, lastStatus: 200, lastError: null, responseExcerpt: 'thanks' },
      ...{ nextTryAt: null, finishedAt: expect.any(Date) as Date },
    })
    expect(await bench.prisma.outbox.count({ where: { state: 'done' } })).toBe(1)
  })

  it('is signed with the old secret too for a day after it was changed', async () => {
    await using opened = await open()
    const { bench, receiver, webhook } = opened
    const { secret } = await bench.webhooks.rotateSecret(admin, { id: webhook.id })
    expect(secret).not.toBe(webhook.secret)
    await bench.deliverAll()
    bench.clock.aheadMs = 24 * HOUR_MS + 60_000
    await bench.webhooks.test(admin, webhook.id)
    await bench.deliverAll()
    const signed = receiver.received.map((post) => [isSignedWith(secret, post), isSignedWith(webhook.secret, post)])
    expect(signed).toEqual([
      [true, true],
      [true, false],
    ])
  })

  it('is not posted again by an order that comes again', async () => {
    await using opened = await open()
    const { bench, receiver, delivery } = opened
    const { jobId } = await bench.prisma.webhookDelivery.findFirstOrThrow()
    const { id } = await delivery()
    await bench.deliver(jobId, id)
    await bench.deliver(jobId, id, 2)
    expect(receiver.received).toHaveLength(1)
    expect((await delivery()).attempts).toBe(1)
  })

  it('may be posted twice when two hold the order at once, and its fate is written once', async () => {
    await using opened = await open()
    const { bench, receiver, delivery } = opened
    const { jobId } = await bench.prisma.webhookDelivery.findFirstOrThrow()
    const { id } = await delivery()
    await Promise.all([bench.deliver(jobId, id), bench.deliver(jobId, id)])
    const ids = new Set(receiver.received.map(({ headers }) => headers['webhook-id']))
    expect([...ids]).toEqual([id])
    expect(await delivery()).toMatchObject({ state: 'delivered', attempts: 1 })
  })

  it('can be posted again by hand, under the same id, and then by the new order alone', async () => {
    await using opened = await open()
    const { bench, receiver, delivery } = opened
    const first = await bench.prisma.webhookDelivery.findFirstOrThrow()
    receiver.answer = (response) => response.writeHead(500).end()
    expect(await bench.deliverAll()).toHaveLength(1)
    receiver.answer = (response) => response.end()
    expect(await bench.webhooks.redeliver(admin, first.id)).toMatchObject({ state: 'pending', attempts: 0 })
    await bench.deliver(first.jobId, first.id, 2)
    expect(receiver.received).toHaveLength(1)
    expect(await bench.deliverAll()).toEqual([])
    expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([first.id, first.id])
    expect(await delivery()).toMatchObject({ state: 'delivered', attempts: 1 })
  })
})

describe('a receiver', () => {
  it('that answers 500 is asked again, with the same words, and is well again after a 200', async () => {
    await using opened = await open()
    const { bench, receiver, webhook, delivery, now } = opened
    receiver.answer = (response) => response.writeHead(500).end('out of order')
    expect(await bench.deliverAll()).toEqual([
      expect.objectContaining({ message: expect.stringContaining(webhook.id) as string }),
    ])
    const waiting = await delivery()
    expect(waiting).toMatchObject({
      ...{ state: 'pending', attempts: 1, lastStatus: 500, responseExcerpt: 'out of order', finishedAt: null },
      lastError: { code: 'STATUS', detail: 'the receiver answered 500' },
    })
    expect((waiting.nextTryAt?.getTime() ?? 0) - (waiting.lastTriedAt?.getTime() ?? 0)).toBe(10_000)
    expect(await now()).toMatchObject({ enabled: true, consecutiveFailures: 1, failingSince: expect.any(Date) as Date })
    receiver.answer = (response) => response.writeHead(204).end()
    expect(await bench.deliverAll(2)).toEqual([])
    expect(await delivery()).toMatchObject({ state: 'delivered', attempts: 2, lastStatus: 204, lastError: null })
    expect(await now()).toMatchObject({ consecutiveFailures: 0, failingSince: null })
    const [first, second] = receiver.received
    expect(second?.body).toBe(first?.body)
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
  })

  it('that fails for a day has that event noted as failed, and no dead job', async () => {
    await using opened = await open()
    const { bench, receiver, delivery, now } = opened
    receiver.answer = (response) => response.writeHead(503).end()
    expect(await bench.deliverAll(14)).toHaveLength(1)
    expect(await bench.deliverAll(15)).toEqual([])
    expect(await delivery()).toMatchObject({ state: 'failed', attempts: 2, lastStatus: 503, nextTryAt: null })
    expect(await now()).toMatchObject({ enabled: true, consecutiveFailures: 2 })
    expect((await bench.prisma.outbox.findMany()).map(({ state }) => state)).toEqual(['done'])
  })

  it('that never answers costs its deadline and no more', async () => {
    await using opened = await open({ timeoutMs: 100 })
    const { bench, receiver, delivery } = opened
    receiver.answer = () => undefined
    expect(await bench.deliverAll()).toHaveLength(1)
    expect(await delivery()).toMatchObject({ state: 'pending', lastStatus: null, lastError: { code: 'TIMEOUT' } })
  })

  it('that answers without end is heard for 2 kB, and has taken it', async () => {
    await using opened = await open()
    const { bench, receiver, delivery } = opened
    const sent = { bytes: 0 }
    receiver.answer = (response) => {
      const chunk = Buffer.alloc(1_000_000, 'x\0')
      const more = () => {
        while (!response.destroyed && sent.bytes < 100_000_000) {
          sent.bytes += chunk.byteLength
          if (!response.write(chunk)) return
        }
        response.end()
      }
      response.on('drain', more).on('error', () => undefined)
      more()
    }
    expect(await bench.deliverAll()).toEqual([])
    const { state, responseExcerpt } = await delivery()
    expect(state).toBe('delivered')
    expect(responseExcerpt).toBe('x\uFFFD'.repeat(1_000))
    expect(sent.bytes).toBeLessThan(100_000_000)
  })

  it('that sends elsewhere is not followed', async () => {
    await using opened = await open()
    const { bench, receiver, delivery } = opened
    receiver.answer = (response) => response.writeHead(307, { location: receiver.url }).end()
    expect(await bench.deliverAll()).toHaveLength(1)
    expect(receiver.received).toHaveLength(1)
    expect(await delivery()).toMatchObject({
      lastStatus: 307,
      lastError: { detail: 'the receiver answered 307; redirects are not followed' },
    })
  })

  it('is not blamed when the process stops over it', async () => {
    await using opened = await open()
    const { bench, receiver, delivery, now } = opened
    receiver.answer = () => undefined
    const { jobId } = await bench.prisma.webhookDelivery.findFirstOrThrow()
    const stopping = new AbortController()
    const delivering = bench.deliver(jobId, (await delivery()).id, 1, stopping.signal)
    await Promise.all([
      expect(delivering).rejects.toThrow('the process stops'),
      expect
        .poll(() => receiver.received.length)
        .toBe(1)
        .then(() => stopping.abort(new Error('the process stops'))),
    ])
    expect(await delivery()).toMatchObject({ state: 'pending', attempts: 0 })
    expect(await now()).toMatchObject({ consecutiveFailures: 0 })
  })
})

describe('the address of a webhook', () => {
  const PUBLIC_ONLY = { allowedCidrs: [], allowPublic: true }

  it.each([
    'http://10.1.2.3/hook',
    'http://127.0.0.1/hook',
    'http://[::1]/hook',
    'http://2130706433/hook',
    'http://169.254.169.254/latest/meta-data',
    'http://[::ffff:192.168.1.1]/hook',
    'https://user:secret@example.org/hook',
  ])('is refused when it is made: %s', async (url) => {
    await using bench = await openWebhookBench({ policy: PUBLIC_ONLY })
    const refused = { code: 'VALIDATION_FAILED', fields: { url: [expect.stringContaining('cannot be posted to')] } }
    await expect(bench.create(url)).rejects.toMatchObject(refused)
    const { id } = await bench.create('https://example.org/hook')
    await expect(bench.webhooks.update(admin, { id, url })).rejects.toMatchObject(refused)
  })

  it('is looked at again when its name is resolved, and refused without a word to it', async () => {
    await using receiver = await openReceiver()
    const url = new URL(receiver.url)
    url.hostname = 'hooks.example.org'
    const addresses = [
      { address: '93.184.215.14', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]
    const connector = { lookupAll: () => Promise.resolve(addresses) }
    await using bench = await openWebhookBench({ policy: PUBLIC_ONLY, connector })
    const { id } = await bench.create(url.href)
    await bench.webhooks.test(admin, id)
    expect(await bench.deliverAll()).toHaveLength(1)
    expect(await bench.deliveriesOf(id)).toMatchObject([
      {
        state: 'pending',
        lastError: { code: 'ADDRESS_REFUSED', detail: expect.stringContaining('127.0.0.1') as string },
      },
    ])
    expect(receiver.received).toEqual([])
  })
})

describe('a webhook is switched off', () => {
  it('at once by a 410, with a mail to each admin, and what waits for it is given up', async () => {
    await using opened = await open()
    const { bench, receiver, webhook, delivery, now } = opened
    const emails = [await addAdmin(opened, 'admin'), await addAdmin(opened, 'admin')]
    await addAdmin(opened, 'operator')
    await addAdmin(opened, 'admin', new Date())
    const other = await bench.webhooks.test(admin, webhook.id)
    receiver.answer = (response) => response.writeHead(410).end()
    const { jobId } = await bench.prisma.webhookDelivery.findFirstOrThrow({ where: { eventType: 'file.removed' } })
    await bench.deliver(jobId, (await delivery()).id)
    expect(await now()).toMatchObject({ enabled: false, disabledReason: 'gone', disabledAt: expect.any(Date) as Date })
    expect(await bench.deliveriesOf(webhook.id)).toMatchObject([
      { state: 'failed', lastStatus: 410, lastError: { code: 'STATUS' } },
      { id: other.id, state: 'failed', attempts: 0, lastError: { code: 'DISABLED' } },
    ])
    const mails = await bench.prisma.outbox.findMany({ where: { type: 'EMAIL_NOTIFICATION' } })
    const data = { webhookId: webhook.id, url: receiver.url, reason: 'its receiver answered 410 (gone)' }
    const key = `webhook-disabled:${webhook.id}:1`
    const content = { template: 'webhook-disabled', data }
    expect(mails.map(({ payload }) => payload)).toEqual(
      expect.arrayContaining(emails.map((to) => ({ to, key, content }))),
    )
    expect(mails).toHaveLength(2)
    const event = await bench.prisma.event.findFirstOrThrow({ where: { type: 'webhook.disabled' } })
    expect(event).toMatchObject({ subjectId: webhook.id, payload: { webhookId: webhook.id, reason: 'gone' } })
    // The order of the other one comes, and finds that there is nothing to do.
    expect(await bench.deliverAll()).toEqual([])
    expect(receiver.received).toHaveLength(1)
  })

  it('when nothing arrived for a day, and not a minute earlier', async () => {
    await using opened = await open()
    const { bench, receiver, now } = opened
    const email = await addAdmin(opened, 'admin')
    receiver.answer = (response) => response.writeHead(500).end()
    await failingSince(opened, 24 * HOUR_MS - 60_000)
    expect(await bench.deliverAll()).toHaveLength(1)
    expect(await now()).toMatchObject({ enabled: true, consecutiveFailures: 8 })
    await failingSince(opened, 24 * HOUR_MS + 1_000)
    expect(await bench.deliverAll(2)).toEqual([])
    expect(await now()).toMatchObject({ enabled: false, disabledReason: 'failing' })
    const mails = await bench.prisma.outbox.findMany({ where: { type: 'EMAIL_NOTIFICATION' } })
    expect(mails).toMatchObject([{ payload: { to: email } }])
  })

  it('by a person, without a mail, until a person switches it on again', async () => {
    await using opened = await open()
    const { bench, receiver, webhook, delivery, now } = opened
    await addAdmin(opened, 'admin')
    await bench.webhooks.update(admin, { id: webhook.id, enabled: false })
    expect(await now()).toMatchObject({ enabled: false, disabledReason: 'by_person' })
    const given = await delivery()
    expect(given).toMatchObject({ state: 'failed', lastError: { code: 'DISABLED' } })
    const refused = { code: 'INVALID_STATE' }
    await expect(bench.webhooks.test(admin, webhook.id)).rejects.toMatchObject(refused)
    await expect(bench.webhooks.redeliver(admin, given.id)).rejects.toMatchObject(refused)
    const on = { enabled: true, disabledAt: null, disabledReason: null, consecutiveFailures: 0 }
    expect(await bench.webhooks.update(admin, { id: webhook.id, enabled: true })).toMatchObject(on)
    expect(await bench.deliverAll()).toEqual([])
    expect(receiver.received).toEqual([])
    expect(await bench.prisma.outbox.count({ where: { type: 'EMAIL_NOTIFICATION' } })).toBe(0)
    await bench.webhooks.redeliver(admin, given.id)
    expect(await bench.deliverAll()).toEqual([])
    expect(receiver.received).toHaveLength(1)
  })
})

describe('the secret of a webhook', () => {
  it('is shown when it is made, the same to a repeated call, and nowhere else', async () => {
    await using opened = await open()
    const { bench, receiver } = opened
    const order = { idempotencyKey: 'webhook-key-1', description: 'mine' }
    const made: WebhookWithSecret = await bench.create(receiver.url, order)
    expect(await bench.create(receiver.url, order)).toEqual(made)
    const turn = { id: made.id, idempotencyKey: 'webhook-key-2' }
    const turned = await bench.webhooks.rotateSecret(admin, turn)
    expect(await bench.webhooks.rotateSecret(admin, turn)).toEqual(turned)
    receiver.answer = (response) => response.writeHead(500).end()
    await bench.webhooks.test(admin, made.id)
    await bench.deliverAll()

    const shown = [
      await bench.webhooks.list(admin, { limit: 50, cursor: null }),
      await bench.webhooks.get(admin, made.id),
      await bench.deliveriesOf(made.id),
      bench.log.lines,
    ]
    const tables = ['webhook', 'webhook_delivery', 'event', 'outbox', 'idempotency_key']
    for (const table of tables) shown.push(await bench.prisma.$queryRawUnsafe(`select t::text from "${table}" t`))
    const text = JSON.stringify(shown)
    expect(text).toContain(made.id)
    for (const { secret } of [made, turned]) expect(text).not.toContain(secret.slice('whsec_'.length, -1))
    expect(JSON.stringify(shown.slice(0, 4))).not.toMatch(/cipher/i)
  })
})
