import type { ApiIndex } from '@gantry/schemas'

import { sendJson } from './respond.js'
import type { Route } from './route.js'

export interface ApiIndexOptions {
  version: string
  hasMetrics: boolean
}

/** `/api`: where everything is. */
export const apiIndexRoute = ({ version, hasMetrics }: ApiIndexOptions): Route => {
  const index: ApiIndex = {
    name: 'Gantry',
    version,
    versions: { rest: '/api', trpc: '/trpc', v1: '/api/v1', v2: '/api/v2' },
    docs: '/api/docs',
    openapi: '/api/openapi.json',
    health: '/api/health',
    metrics: hasMetrics ? '/metrics' : null,
  }
  return { method: 'GET', pattern: '/api', access: 'open', handle: (exchange) => sendJson(exchange, 200, index) }
}
