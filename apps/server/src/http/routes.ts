import type { LiveStreams } from '../trpc/live-streams.js'
import { existingClientRoutes, sharedWithExisting } from './existing-clients/routes.js'
import { exportRoutes } from './exports/export.routes.js'
import { fileRoutes } from './files/file.routes.js'
import { apiIndexRoute } from './api-index.route.js'
import { healthRoutes, type HealthOptions } from './health/health.routes.js'
import type { HttpServerOptions } from './http-server.js'
import { metricsRoute, openToToken } from './metrics.route.js'
import { pageRoutes } from './pages/page.routes.js'
import { docsRoutes } from './rest/docs.routes.js'
import { openApiDocument } from './rest/openapi-document.js'
import { restRoutes } from './rest/rest.routes.js'
import type { Route } from './route.js'
import type { HttpTimeouts } from './settings.js'
import { signOnRoutes } from './sign-on/sign-on.routes.js'
import { trpcRoute } from './trpc.route.js'

type RoutesOptions = HttpServerOptions &
  Pick<HealthOptions, 'isDraining' | 'lag'> & { timeouts: HttpTimeouts; liveStreams: LiveStreams }

/** Everything the server answers. */
export const allRoutes = (options: RoutesOptions): Route[] => {
  const { config, router, services, liveStreams, answers, metrics, timeouts, authenticator, rateLimiter } = options
  const procedures = { router, services, liveStreams, answers, metrics, bodyTimeoutMs: timeouts.bodyMs }
  const admission = { token: config.metrics.token, authenticator, rateLimiter }
  const { publicUrl, docsPublic, maxUploadBytes } = config.http
  const { version } = options.health.installation
  return [
    ...healthRoutes({ ...options, token: config.metrics.token }),
    apiIndexRoute({ version, hasMetrics: config.metrics.enabled }),
    ...(config.metrics.enabled ? [metricsRoute({ metrics, ...admission })] : []),
    trpcRoute(procedures),
    ...docsRoutes({
      document: () => openApiDocument({ router, version, publicUrl }),
      isPublic: docsPublic,
      authenticator,
      rateLimiter,
    }),
    ...pageRoutes(),
    ...fileRoutes({
      files: options.files,
      maxBytes: maxUploadBytes,
      stallMs: timeouts.uploadStallMs,
    }),
    ...exportRoutes({ exports: options.exports }),
    ...signOnRoutes({ signOn: services.signOn, rateLimiter: options.rateLimiter }),
    ...existingClientRoutes({ ...procedures, http: config.http }),
    ...restRoutes(procedures)
      .map(sharedWithExisting)
      .map((route) => (route.pattern === '/api/metrics' ? openToToken(route, admission) : route)),
  ]
}
