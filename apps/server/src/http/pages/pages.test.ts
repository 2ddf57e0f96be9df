import { readdir } from 'node:fs/promises'

import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startProbeServer, type ProbeServer } from '../../testing/http-test-server.js'
import { pageRoutes } from './page.routes.js'

const ASSETS = new URL('../../../assets/', import.meta.url)
const PAGES = ['/account', '/account/sign-in', '/account/password', '/account/forgot', '/admin/queues']

let server: ProbeServer
beforeAll(async () => {
  server = await startProbeServer()
})
afterAll(() => server.stop())

const get = async (path: string) => {
  const response = await fetch(server.url + path, { redirect: 'manual' })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** What a page names in its markup, or a script imports. */
const namedIn = (text: string, from: string): string[] => {
  const markup = [...text.matchAll(/\s(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
  const imports = [...text.matchAll(/^import .* from '([^']+)'$/gm)].map(([, path = '']) => path)
  return [...markup, ...imports].map((path) => new URL(path, new URL(from, server.url)).pathname)
}

/** Every file that is needed for a page, by path. */
const everythingOf = async (page: string): Promise<Map<string, string>> => {
  const found = new Map<string, string>()
  const waiting = [page]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue
    const { status, text } = await get(path)
    expect(status, path).toBe(200)
    found.set(path, text)
    if (path === page || path.endsWith('.js'))
      waiting.push(...namedIn(text, path).filter((named) => !PAGES.includes(named)))
  }
  return found
}

/** @returns what is wrong with a script */
const complaints = (code: string): string[] =>
  (ts.transpileModule(code, { fileName: 'page.js', reportDiagnostics: true }).diagnostics ?? []).map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
  )

describe('a page', () => {
  it.each(PAGES)(
    'is served with every file that it needs, none of which has anything inline or foreign: %s',
    async (page) => {
      const files = await everythingOf(page)
      const html = files.get(page) ?? ''
      expect(html).toMatch(/^<!doctype html>\n<html lang="en">/)
      expect(html).toContain('name="viewport"')
      expect(html).toContain('<noscript')
      expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|<iframe|https?:/i)
      expect([...files.keys()].filter((path) => path.endsWith('.js')).length).toBeGreaterThan(2)
      for (const [path, text] of files) {
        if (!path.endsWith('.js')) continue
        expect(complaints(text), path).toEqual([])
        // The package that makes QR codes writes markup, too; no page has it do so.
        if (path === '/assets/qr.js') continue
        expect(text, path).not.toMatch(
          /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\.style\b/,
        )
      }
    },
  )

  it('carries a policy without anything inline, is never stored, and tells nobody where it was', async () => {
    for (const page of PAGES) {
      const { headers } = await get(page)
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
          "form-action 'none'; frame-ancestors 'none'",
      )
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })

  it('says the same whoever asks, and whatever stands in the address', async () => {
    for (const page of PAGES) {
      const { text } = await get(page)
      const asked = await fetch(`${server.url}${page}?returnTo=//evil.example&email=<b>`, {
        headers: { Authorization: 'Bearer admin', Cookie: '__Host-gantry-access=x', Accept: 'application/json' },
      })
      expect(await asked.text()).toBe(text)
    }
  })

  it('comes with no file that no page needs, and none lies there that is not served', async () => {
    const needed = new Set<string>()
    for (const page of PAGES) for (const path of (await everythingOf(page)).keys()) needed.add(path)
    const served = pageRoutes().map(({ pattern }) => pattern)
    expect(served.filter((pattern) => pattern !== '/').sort()).toEqual([...needed].sort())
    const entries = await readdir(ASSETS, { recursive: true, withFileTypes: true })
    // One is the package's, which lies elsewhere.
    expect(entries.filter((entry) => entry.isFile())).toHaveLength(needed.size - 1)
  })

  it('is where the bare address leads', async () => {
    const { status, headers } = await get('/')
    expect([status, headers.get('location')]).toEqual([302, '/account'])
  })
})
