import type { HttpSettings } from '../settings.js'
import type { Route } from '../route.js'
import { oldAuthRoutes } from './auth.routes.js'
import { oldRoutes, type OldCallSources } from './old-call.js'
import { oldProjectRoutes } from './project.routes.js'

export type ExistingClientsOptions = OldCallSources & { http: Pick<HttpSettings['http'], 'flags' | 'publicUrl'> }

/** `/api/v1` and `/api/v2`, as they were before Gantry: other words for today's procedures. */
export const existingClientRoutes = ({ http, ...sources }: ExistingClientsOptions): Route[] => [
  ...oldAuthRoutes({ ...sources, secureCookies: http.publicUrl?.startsWith('https:') === true }),
  ...oldProjectRoutes(sources),
  ...oldRoutes(sources, 'GET', '/flags', () => ({ status: 200, body: { flags: http.flags } })),
]

/** Where the same clients go outside of the versions. */
const SHARED = ['GET /api/metrics', 'GET /api/admin/queues', 'POST /api/admin/queues/cleanup']

/** Lets them in by their cookie, too. */
export const sharedWithExisting = (route: Route): Route =>
  SHARED.includes(`${route.method} ${route.pattern}`) ? { ...route, clients: 'old' } : route
