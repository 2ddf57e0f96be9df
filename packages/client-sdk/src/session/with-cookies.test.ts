import { expect, it } from 'vitest'

import type { XhrLike } from '../files/xhr-send.js'
import { fetchWithCookies, xhrWithCookies } from './with-cookies.js'

class RecordedXhr implements XhrLike {
  static readonly made: RecordedXhr[] = []
  readonly headers: string[] = []
  withCredentials = false
  readonly status = 0
  readonly responseText = ''
  readonly upload = { onprogress: null }
  onload = null
  onerror = null
  onabort = null

  constructor() {
    RecordedXhr.made.push(this)
  }

  open(method: string, url: string): void {
    this.headers.push(`${method} ${url}`)
  }

  setRequestHeader(name: string, value: string): void {
    this.headers.push(`${name}: ${value}`)
  }

  send(): void {
    this.headers.push('sent')
  }

  abort(): void {
    this.headers.push('aborted')
  }
}

it('a fetch sends cookies and the header beside those that it was given', async () => {
  const seen: RequestInit[] = []
  const fetch = fetchWithCookies((_url, init) => {
    seen.push(init)
    return Promise.resolve(new Response())
  })
  await fetch('https://gantry.example', { method: 'POST', headers: { 'Content-Type': 'application/json' } })
  expect(seen).toEqual([
    {
      ...{ method: 'POST', credentials: 'include' },
      headers: { 'content-type': 'application/json', 'X-Gantry-Session': 'cookie' },
    },
  ])
})

it('an upload with progress does so too', () => {
  const Xhr = xhrWithCookies(RecordedXhr)
  new Xhr().open('POST', '/api/files')
  const [made] = RecordedXhr.made
  expect([made?.withCredentials, made?.headers]).toEqual([true, ['POST /api/files', 'X-Gantry-Session: cookie']])
})
