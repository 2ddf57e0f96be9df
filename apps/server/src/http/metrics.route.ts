import type { Authenticator } from '../kernel/actor.js'
import { assertAdmin } from './admin-access.js'
import type { HttpMetrics } from './metrics.port.js'
import { sendText } from './respond.js'
import type { Route } from './route.js'

export interface MetricsRouteOptions {
  metrics: HttpMetrics
  token: string | null
  authenticator: Pick<Authenticator, 'authenticate'>
}

/** `/metrics` in Prometheus' text format, for admins and the bearer of the metrics token. */
export const metricsRoute = ({ metrics, token, authenticator }: MetricsRouteOptions): Route => ({
  method: 'GET',
  pattern: '/metrics',
  access: 'open',
  handle: async (exchange) => {
    await assertAdmin(exchange, authenticator, token)
    sendText(exchange, 200, metrics.registry.contentType, await metrics.registry.metrics())
  },
})
