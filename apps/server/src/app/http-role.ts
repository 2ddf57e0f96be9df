import type { Config } from '../config/config.js'
import type { FileHandlers } from '../http/files/file-handlers.js'
import type { HttpMetrics } from '../http/metrics.port.js'
import type { HealthSource } from '../http/health/health.routes.js'
import { createHttpServer, type HttpServer } from '../http/http-server.js'
import {
  GantryError,
  type Authenticator,
  type Cache,
  type Lifecycle,
  type Logger,
  type Tracer,
} from '../kernel/index.js'
import type { FilesService } from '../modules/files/files.service.js'
import type { RefusalLog } from '../modules/audit/refusal-log.js'
import { ApiUse, type ApiUseDeps } from '../modules/statistics/api-use.js'
import type { Metrics } from '../observability/metrics.js'
import { appRouter } from '../routers/app-router.js'
import { Answers } from '../trpc/answers.js'
import type { Services } from '../trpc/services.js'
import { noteRefusal } from './audit.js'
import type { HttpLimits } from './http-limits.js'
import { buildId } from './installation.js'

export interface HttpRoleDeps {
  config: Config
  services: Services
  authenticator: Authenticator
  cache: Cache
  metrics: Metrics
  apiUse: ApiUse
  refusals: RefusalLog
  tracer: Tracer
  health: HealthSource
  limits: HttpLimits
  log: Logger
}

const fileHandlers = (files: FilesService, refusals: RefusalLog): FileHandlers => ({
  upload: (actor, open, signal) =>
    files.upload(actor, open, signal).catch((error: unknown) => {
      if (error instanceof GantryError) noteRefusal(refusals, error)
      throw error
    }),
  content: (actor, id) => files.openContent(actor, id),
  thumbnail: (actor, id) => files.openThumbnail(actor, id),
})

/** Counts are written until the last call was answered, before the database closes. */
export const startApiUse = (deps: ApiUseDeps, lifecycle: Lifecycle): ApiUse => {
  const apiUse = new ApiUse(deps)
  lifecycle.onStop('api use', () => apiUse.stop())
  apiUse.start()
  return apiUse
}

/** Every call is measured, and counted for the statistics; what was refused is for the audit log. */
const counting = ({
  metrics,
  apiUse,
  refusals,
}: Pick<HttpRoleDeps, 'metrics' | 'apiUse' | 'refusals'>): HttpMetrics => ({
  expose: (format) => metrics.expose(format),
  requestFinished: (outcome) => metrics.requestFinished(outcome),
  procedureFinished: (outcome) => {
    metrics.procedureFinished(outcome)
    apiUse.note(outcome)
    noteRefusal(refusals, outcome)
  },
  gauge: (name, help, read) => metrics.gauge(name, help, read),
})

/** The HTTP side of the server: tRPC, REST, file transfers, probes and metrics. */
export const createHttpRole = (deps: HttpRoleDeps): HttpServer => {
  const { config, services, authenticator, cache, tracer, health, log } = deps
  const { rateLimiter, liveStreams } = deps.limits
  const answers = config.cache.answers ? new Answers(cache, buildId()) : null
  return createHttpServer({
    ...{ config, log, tracer, metrics: counting(deps), authenticator, services, answers, health },
    ...{ rateLimiter, liveStreams },
    router: appRouter,
    exports: { download: (link) => services.exports.download(link) },
    files: fileHandlers(services.files, deps.refusals),
  })
}
