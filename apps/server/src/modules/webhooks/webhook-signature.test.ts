import { describe, expect, it } from 'vitest'

import { newWebhookSecret, signedHeaders } from './webhook-signature.js'

// The example of the Standard Webhooks libraries.
const EXAMPLE = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  message: { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', atMs: 1_614_265_330_000, body: '{"test": 2432232314}' },
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}

describe('the signature of a webhook', () => {
  it('is the one of Standard Webhooks', () => {
    expect(signedHeaders(EXAMPLE.message, [EXAMPLE.secret])).toEqual({
      'webhook-id': EXAMPLE.message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': EXAMPLE.signature,
    })
  })

  it('stands once for each secret', () => {
    const other = newWebhookSecret()
    const { 'webhook-signature': both } = signedHeaders(EXAMPLE.message, [other, EXAMPLE.secret])
    const { 'webhook-signature': ofOther } = signedHeaders(EXAMPLE.message, [other])
    expect(both).toBe(`${ofOther} ${EXAMPLE.signature}`)
  })

  it('is made with secrets of 32 random bytes', () => {
    const [one, two] = [newWebhookSecret(), newWebhookSecret()]
    expect(one).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(one).not.toBe(two)
  })
})
