import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Connector } from '../../net/connector.js'
import { HOSTILE, mutatedBytes, unfitTexts } from '../../testing/hostile-input.js'
import { HttpWebhookSender } from './http-webhook-sender.js'
import { retryAfterMs } from './retry-after.js'

const NOW_MS = Date.parse('2026-11-27T12:00:00Z')
const DATE = 'Fri, 27 Nov 2026 12:02:00 GMT'
/** As many bytes as are read of an answer, and so no more characters. */
const MAX_BYTES = 2_000

const headers = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  mutatedBytes(Buffer.from(DATE), Buffer.from('120')).map((bytes) => bytes.toString('latin1')),
  fc.bigInt().map(String),
  fc.double().map(String),
  fc.array(fc.string(), { maxLength: 3 }),
  fc.constant(undefined),
)
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: MAX_BYTES }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary', maxLength: 500 }).map((text) => Buffer.from(text).subarray(0, MAX_BYTES)),
)

describe('what a receiver of webhooks answers', () => {
  it('is a result that can be stored, with a pause that is none or one, whatever it is', async () => {
    const answer = fc.record({ status: fc.integer({ min: 100, max: 999 }), header: headers, body: bodies })
    const check = fc.asyncProperty(answer, async ({ status, header, body }) => {
      const response = { status, headers: { 'retry-after': header }, body, contentType: null }
      const connector = { request: () => Promise.resolve(response) } as unknown as Connector
      const sender = new HttpWebhookSender(connector, 1_000, { now: () => NOW_MS })
      const { signal } = new AbortController()
      const result = await sender.post({ url: 'http://example.org', headers: {}, body: '', signal })
      expect(unfitTexts(result, MAX_BYTES)).toEqual([])
      // eslint-disable-next-line no-control-regex
      expect(result.excerpt ?? '').not.toMatch(/[\0-\x08\v-\x1f\x7f-\x9f]/)
      expect(result.error === null).toBe(status >= 200 && status < 300)
      const { retryAfterMs: asked } = result
      expect(asked === null || (Number.isSafeInteger(asked) && asked >= 0)).toBe(true)
      expect(asked === null || status === 429 || status === 503).toBe(true)
    })
    await fc.assert(check, HOSTILE)
  })

  it('says when to come back in seconds or as a date, and in nothing else', () => {
    const said = (header: string) => retryAfterMs(header, NOW_MS)
    expect(['0', '120', DATE, 'Fri, 27 Nov 2026 11:00:00 GMT'].map(said)).toEqual([0, 120_000, 120_000, 0])
    const others = ['', '-1', '1.5', '1e3', ' 5', '0x10', '9999999999', '2026-11-27T12:02:00Z', 'Fri, 27 Nov 2026', 'x']
    expect(others.map(said)).toEqual(others.map(() => null))
    expect(said('Fri, 99 Nov 2026 12:02:00 GMT')).toBeNull()
  })
})
