import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

import { keptFile } from '../kept-file.js'
import { sendText } from '../respond.js'
import type { Route } from '../route.js'

// `src` and `dist` lie at the same depth, so that the path holds for both.
const ASSETS = new URL('../../../assets/', import.meta.url)

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Everything comes from this server, nothing stands inline, and no form goes anywhere by itself. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'"

/** A file that whoever asks gets as it is: pages say nothing of anybody, what they show comes from the API. */
const fileRoute = (pattern: string, path: string): Route => {
  const bytes = keptFile(path)
  return {
    method: 'GET',
    pattern,
    access: 'open',
    handle: async (exchange) => {
      exchange.res.setHeader('Content-Security-Policy', PAGE_POLICY)
      sendText(exchange, 200, CONTENT_TYPES[extname(path)] ?? 'application/octet-stream', await bytes())
    },
  }
}

/** @param path within `assets` */
export const assetRoute = (pattern: string, path: string): Route =>
  fileRoute(pattern, fileURLToPath(new URL(path, ASSETS)))

/** The module that a package offers, where that is one file that imports no other. */
export const packageRoute = (pattern: string, name: string): Route =>
  fileRoute(pattern, createRequire(import.meta.url).resolve(name))
