import { readFileSync } from 'node:fs'

import { WEBHOOK_EVENT_TYPES } from '@gantry/schemas'
import { expect, it } from 'vitest'

import { newWebhookSecret, signedHeaders } from './webhook-signature.js'
import { pauseAfterMs, webhookDelivery } from './webhooks.jobs.js'

const page = readFileSync(new URL('../../../../../docs/reference/webhooks.md', import.meta.url), 'utf8')

it('every event that can be subscribed to stands in the reference, and nothing else does', () => {
  const section = page.slice(page.indexOf('\n## Events'), page.indexOf('\n## Verifying'))
  expect([...section.matchAll(/^\| `([a-z_.]+)`/gm)].map(([, type]) => type)).toEqual([...WEBHOOK_EVENT_TYPES])
})

it('the pauses between tries stand in the reference, and are a day together', () => {
  const pauses = Array.from({ length: webhookDelivery.attempts - 1 }, (_, n) => pauseAfterMs(n + 1) / 1_000)
  const rows = [...page.matchAll(/^\| (\d+) +\| ([\d,]+) s +\|$/gm)]
  expect(rows.map(([, tries, pause]) => [Number(tries), Number(pause?.replace(',', ''))])).toEqual(
    pauses.map((pause, n) => [n + 1, pause]),
  )
  const minutes = Math.floor(pauses.reduce((sum, pause) => sum + pause, 0) / 60)
  expect(page).toContain(`The fifteenth try, ${Math.floor(minutes / 60)} h ${minutes % 60} min after the first`)
  expect(webhookDelivery.attempts).toBe(15)
})

it('the snippet of the reference verifies what is sent, and refuses what is changed, old or signed by others', async () => {
  const [, snippet = ''] = /```js\n([^]*?)```/.exec(page) ?? []
  const module = (await import(`data:text/javascript,${encodeURIComponent(snippet)}`)) as {
    isFromGantry: (secret: string, headers: Record<string, string>, body: string) => boolean
  }
  const [secret, other] = [newWebhookSecret(), newWebhookSecret()]
  const message = { id: 'whd_1', atMs: Date.now(), body: '{"a":1}' }
  const headers = signedHeaders(message, [other, secret])
  expect(module.isFromGantry(secret, headers, message.body)).toBe(true)
  expect(module.isFromGantry(secret, headers, '{"a":2}')).toBe(false)
  expect(module.isFromGantry(secret, { ...headers, 'webhook-id': 'whd_2' }, message.body)).toBe(false)
  expect(module.isFromGantry(newWebhookSecret(), headers, message.body)).toBe(false)
  const old = signedHeaders({ ...message, atMs: message.atMs - 600_000 }, [secret])
  expect(module.isFromGantry(secret, old, message.body)).toBe(false)
})
