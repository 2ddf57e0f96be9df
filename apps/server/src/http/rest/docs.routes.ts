import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

import { assertSystemAccess, type SystemAccess } from '../system-access.js'
import { keptFile } from '../kept-file.js'
import { JSON_TYPE, sendText, toJson } from '../respond.js'
import type { Route } from '../route.js'
import { DOCS_PAGE, DOCS_SCRIPT } from './docs-page.js'
import type { JsonSchema } from './json-schema.js'

export interface DocsOptions extends SystemAccess {
  /** Made when somebody first asks for it: that takes longer than the rest of what a server does to listen. */
  document: () => JsonSchema
  isPublic: boolean
}

const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

/** Swagger UI sets inline styles and shows pictures from `data:`; scripts come from this server alone. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const assetFolder = (): string => dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

/** `/api/openapi.json`, and `/api/docs`, a page that shows it without anything from elsewhere. */
export const docsRoutes = ({ document, isPublic, ...access }: DocsOptions): Route[] => {
  const folder = assetFolder()
  const assetRoute = ([name, contentType]: [string, string]): Route => {
    const bytes = keptFile(join(folder, name))
    return {
      method: 'GET',
      pattern: `/api/docs/${name}`,
      access: 'open',
      handle: async (exchange) => {
        exchange.res.setHeader('Cache-Control', 'public, max-age=3600')
        sendText(exchange, 200, contentType, await bytes())
      },
    }
  }
  let made: Buffer | null = null
  return [
    {
      method: 'GET',
      pattern: '/api/openapi.json',
      access: 'open',
      handle: async (exchange) => {
        if (!isPublic) await assertSystemAccess(exchange, access)
        sendText(exchange, 200, JSON_TYPE, (made ??= Buffer.from(toJson(document()))))
      },
    },
    {
      method: 'GET',
      pattern: '/api/docs',
      access: 'open',
      handle: (exchange) => {
        exchange.res.setHeader('Content-Security-Policy', PAGE_POLICY)
        sendText(exchange, 200, 'text/html; charset=utf-8', DOCS_PAGE)
      },
    },
    {
      method: 'GET',
      pattern: '/api/docs/docs.js',
      access: 'open',
      handle: (exchange) => sendText(exchange, 200, 'text/javascript; charset=utf-8', DOCS_SCRIPT),
    },
    ...Object.entries(ASSETS).map(assetRoute),
  ]
}
