import { expect, it } from 'vitest'

import { AllowedPages, type Asked } from './allowed-pages.js'
import { oldCookie } from './cookies.js'

const isAllowed = (pages: AllowedPages, headers: Asked['headers'], more: Partial<Asked> = {}): boolean => {
  try {
    pages.assertAllowed({
      method: 'POST',
      isOld: false,
      headers: { 'x-gantry-session': 'cookie', ...headers },
      ...more,
    })
    return true
  } catch {
    return false
  }
}

it('the own origin is that of the public URL where there is one, else the host that was asked over plain HTTP', () => {
  const host = 'gantry.example.org'
  const named = new AllowedPages({ corsOrigins: [], publicUrl: 'https://gantry.example.org' })
  expect(isAllowed(named, { host, origin: 'https://gantry.example.org' })).toBe(true)
  // Whoever rules the network can serve this page.
  expect(isAllowed(named, { host, origin: 'http://gantry.example.org' })).toBe(false)
  const unnamed = new AllowedPages({ corsOrigins: [], publicUrl: null })
  expect(isAllowed(unnamed, { host, origin: 'http://gantry.example.org' })).toBe(true)
  expect(isAllowed(unnamed, { host, origin: 'https://gantry.example.org' })).toBe(false)
})

it('clients of old are asked for the origin alone, and may read without any sign', () => {
  const pages = new AllowedPages({ corsOrigins: ['https://app.example.org'], publicUrl: null })
  const old = { isOld: true }
  expect(isAllowed(pages, { origin: 'https://app.example.org', 'x-gantry-session': undefined }, old)).toBe(true)
  expect(isAllowed(pages, { 'x-gantry-session': undefined }, old)).toBe(false)
  const read = { method: 'GET' }
  expect(isAllowed(pages, { 'x-gantry-session': undefined }, { ...old, ...read })).toBe(true)
  expect(isAllowed(pages, { 'x-gantry-session': undefined }, read)).toBe(false)
  expect(isAllowed(pages, { origin: 'https://evil.example' }, { ...old, ...read })).toBe(false)
})

it('their cookie is sent over TLS alone where the installation has it', () => {
  expect([oldCookie(true).includes('; Secure'), oldCookie(false).includes('; Secure')]).toEqual([true, false])
})
