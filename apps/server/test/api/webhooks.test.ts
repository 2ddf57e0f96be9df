import { randomBytes } from 'node:crypto'

import type { WebhookWithSecret } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openReceiver, type WebhookReceiver } from '../../src/modules/webhooks/testing/webhook-receiver.js'
import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'

const SETTINGS = {
  GANTRY_ROLES: 'api,worker',
  WEBHOOK_ALLOW_LOOPBACK: 'true',
  // Of one installation: each opens what the other has sealed.
  GANTRY_SECRET_KEY: randomBytes(32).toString('base64'),
}

let app: AppUnderTest
let second: AppUnderTest
let receiver: WebhookReceiver

beforeAll(async () => {
  receiver = await openReceiver()
  app = await startAppUnderTest(SETTINGS)
  second = await startAppUnderTest({ ...SETTINGS, DATABASE_URL: app.databaseUrl })
})
afterAll(async () => {
  await second[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

const create = (more: object = {}) =>
  app.admin.trpc.webhooks.create.mutate({ url: receiver.url, eventTypes: ['*'], ...more })

const postsOf = (type: string) => receiver.received.filter(({ headers }) => headers['gantry-event'] === type)

describe('webhooks', () => {
  it('bring each event once, while two servers hand them out', async () => {
    const webhook = await create({ eventTypes: ['project.created'] })
    const names = Array.from({ length: 30 }, (_, n) => `Order ${n}`)
    const projects = await Promise.all(
      names.map((name, n) => (n % 2 === 0 ? app : second).admin.trpc.projects.create.mutate({ name })),
    )
    await expect.poll(() => postsOf('project.created').length, { timeout: 15_000 }).toBe(names.length)
    const told = postsOf('project.created').map(
      ({ body }) => (JSON.parse(body) as { subject: { id: string } }).subject.id,
    )
    expect(told.toSorted()).toEqual(projects.map(({ id }) => id).toSorted())
    const delivered = { id: webhook.id, state: 'delivered' as const, limit: 20 }
    const read = (cursor?: string) =>
      app.admin.trpc.webhooks.deliveries.query({ ...delivered, ...(cursor && { cursor }) })
    const pages = async () => {
      const first = await read()
      const rest = first.nextCursor === null ? first : await read(first.nextCursor)
      const ids = [...first.items, ...rest.items].map(({ id }) => id)
      return [ids.length, new Set(ids).size, rest.nextCursor]
    }
    // That it was delivered is written down when the receiver has answered.
    await expect.poll(pages, { timeout: 15_000 }).toEqual([30, 30, null])
    await app.admin.trpc.webhooks.remove.mutate({ id: webhook.id })
    expect((await app.admin.trpc.webhooks.list.query({})).items).toEqual([])
  })

  it('are made, changed, tested and removed over REST', async () => {
    const body = { url: receiver.url, eventTypes: ['alarm.raised', 'alarm.raised'], minSeverity: 'critical' }
    const made = await app.admin.rest('POST', '/api/webhooks', body)
    const { id, secret, ...shown } = made.body as WebhookWithSecret
    expect(shown).toMatchObject({ eventTypes: ['alarm.raised'], minSeverity: 'critical', enabled: true, version: 1 })
    const path = `/api/webhooks/${id}`
    const changed = await app.admin.rest('PATCH', path, { description: 'Pager', ifVersion: 1 })
    expect(changed.body).toMatchObject({ description: 'Pager', version: 2 })
    const stale = await app.admin.rest('PATCH', path, { description: 'x', ifVersion: 1 })
    expect(stale.error?.code).toBe('VERSION_CONFLICT')
    const tested = await app.admin.rest('POST', `${path}/test`, {})
    expect(tested.body).toMatchObject({ eventType: 'webhook.test', payload: { subject: { type: 'webhook', id } } })
    await expect.poll(() => postsOf('webhook.test').length).toBe(1)
    expect((await app.admin.rest('GET', path)).body).not.toHaveProperty('secret')
    expect((await app.admin.rest('DELETE', path)).error).toBeNull()
    expect((await app.admin.rest('GET', path)).error?.code).toBe('NOT_FOUND')
    expect(app.logLines.join('')).not.toContain(secret.slice('whsec_'.length))
  })

  it.each([
    ['a URL of another kind', { url: 'ftp://example.org' }, 'url'],
    ['an address that nobody may reach', { url: 'http://169.254.169.254/' }, 'url'],
    ['a private address', { url: 'http://192.168.1.1/' }, 'url'],
    ['no event', { eventTypes: [] }, 'eventTypes'],
    ['an event that stays inside', { eventTypes: ['session.ended'] }, 'eventTypes.0'],
  ])('are refused with %s, and the answer names the field', async (_fault, fault, field) => {
    const body = { url: receiver.url, eventTypes: ['*'], ...fault }
    const { error } = await app.admin.rest('POST', '/api/webhooks', body)
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED', fields: { [field]: [expect.any(String)] } })
  })

  it.each(['viewer', 'operator'] as const)('are no matter of a %s', async (role) => {
    const caller = await app.logInAs(role)
    const { id } = await create()
    for (const call of [
      caller.rest('GET', '/api/webhooks'),
      caller.rest('POST', '/api/webhooks', { url: receiver.url, eventTypes: ['*'] }),
      caller.rest('POST', `/api/webhooks/${id}/rotate-secret`, {}),
      caller.rest('GET', `/api/webhooks/${id}/deliveries`),
    ])
      expect((await call).error?.code).toBe('FORBIDDEN')
    await app.admin.trpc.webhooks.remove.mutate({ id })
  })
})
