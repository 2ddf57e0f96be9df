import { initTRPC } from '@trpc/server'
import type { Permission } from '@gantry/schemas'

import type { CacheRule } from './cache-rule.js'
import type { Context } from './context.js'
import { formatError } from './error-formatter.js'
import { transformer } from './input-transformer.js'

/** How a procedure is offered as REST and described in OpenAPI. */
export interface RestMeta {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/api`; `{name}` takes an input of that name from the path. */
  path: `/${string}`
  tags?: readonly string[]
  summary?: string
  description?: string
  deprecated?: boolean
}

export interface ProcedureMeta {
  /** Set by the base procedures. */
  access?: 'public' | 'session' | Permission
  openapi?: RestMeta
  /** Set by `cache(rule)`. */
  cache?: CacheRule
}

/** A comment on the wire this often shows both ends that a quiet stream lives. */
const PING_MS = 15_000

export const t = initTRPC
  .context<Context>()
  .meta<ProcedureMeta>()
  .create({
    transformer,
    errorFormatter: formatError,
    // Would add stacks to answers and is otherwise taken from the environment.
    isDev: false,
    sse: { ping: { enabled: true, intervalMs: PING_MS }, client: { reconnectAfterInactivityMs: 3 * PING_MS } },
  })

export const router = t.router
