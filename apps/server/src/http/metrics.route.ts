import { SYSTEM_ACTOR } from '../kernel/actor.js'
import { assertSystemAccess, type SystemAccess } from './system-access.js'
import { metricsFormatFor } from './metrics-format.js'
import type { MetricsText } from './metrics.port.js'
import { sendText } from './respond.js'
import type { Route } from './route.js'

export interface MetricsRouteOptions extends SystemAccess {
  metrics: MetricsText
}

/** `/metrics` as Prometheus' text or OpenMetrics, for admins and the bearer of the metrics token. */
export const metricsRoute = ({ metrics, ...access }: MetricsRouteOptions): Route => ({
  method: 'GET',
  pattern: '/metrics',
  access: 'open',
  handle: async (exchange) => {
    await assertSystemAccess(exchange, access)
    const { contentType, text } = await metrics.expose(metricsFormatFor(exchange.req.headers.accept))
    sendText(exchange, 200, contentType, text)
  },
})

/** A REST route of admins that the bearer of the metrics token may use as well. */
export const openToToken = (route: Route, access: SystemAccess): Route => ({
  ...route,
  access: 'open',
  handle: async (exchange, params) => {
    await assertSystemAccess(exchange, access)
    exchange.actor ??= SYSTEM_ACTOR
    await route.handle(exchange, params)
  },
})
