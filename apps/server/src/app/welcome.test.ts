import { describe, expect, it } from 'vitest'

import { welcome } from './welcome.js'

const started = { url: 'http://127.0.0.1:3000', metricsUrl: null, firstAdmin: null }
const firstAdmin = { email: 'admin@gantry.local', oneTimePassword: 'shown once' }

describe('what the terminal shows', () => {
  it('says on the first start who may sign in, where and with what', () => {
    const text = welcome({ ...started, firstAdmin }, null)
    for (const part of ['admin@gantry.local', 'shown once', ' http://127.0.0.1:3000/account '])
      expect(text).toContain(part)
    const given = welcome({ ...started, firstAdmin: { ...firstAdmin, oneTimePassword: null } }, null)
    expect(given).toContain('as set by GANTRY_ADMIN_PASSWORD')
  })

  it.each([
    ['http://127.0.0.1:3000', null, 'http://127.0.0.1:3000/account'],
    ['http://0.0.0.0:3000', null, 'http://localhost:3000/account'],
    ['http://[::]:3000', null, 'http://localhost:3000/account'],
    ['http://0.0.0.0:3000', 'https://gantry.example.org', 'https://gantry.example.org/account'],
  ])('names an address that browsers reach: %s, %s', (url, publicUrl, page) => {
    expect(welcome({ ...started, url }, publicUrl)).toContain(`Sign in at ${page}\n`)
  })

  it('has none to show without the role api', () => {
    expect(welcome({ ...started, url: null }, 'https://gantry.example.org')).toBe('Gantry is running.\n')
  })
})
