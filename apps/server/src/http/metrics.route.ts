import { SYSTEM_ACTOR, type Authenticator } from '../kernel/actor.js'
import { assertSystemAccess } from './system-access.js'
import { metricsFormatFor } from './metrics-format.js'
import type { MetricsText } from './metrics.port.js'
import { sendText } from './respond.js'
import type { Route } from './route.js'

export interface MetricsRouteOptions {
  metrics: MetricsText
  token: string | null
  authenticator: Pick<Authenticator, 'authenticate'>
}

/** `/metrics` as Prometheus' text or OpenMetrics, for admins and the bearer of the metrics token. */
export const metricsRoute = ({ metrics, token, authenticator }: MetricsRouteOptions): Route => ({
  method: 'GET',
  pattern: '/metrics',
  access: 'open',
  handle: async (exchange) => {
    await assertSystemAccess(exchange, authenticator, token)
    const { contentType, text } = await metrics.expose(metricsFormatFor(exchange.req.headers.accept))
    sendText(exchange, 200, contentType, text)
  },
})

/** A REST route of admins that the bearer of the metrics token may use as well. */
export const openToToken = (route: Route, { token, authenticator }: Omit<MetricsRouteOptions, 'metrics'>): Route => ({
  ...route,
  access: 'open',
  handle: async (exchange, params) => {
    await assertSystemAccess(exchange, authenticator, token)
    exchange.actor ??= SYSTEM_ACTOR
    await route.handle(exchange, params)
  },
})
