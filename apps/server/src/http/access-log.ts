import type { Logger } from '../kernel/logger.port.js'
import type { Exchange } from './exchange.js'
import type { HttpMetrics } from './metrics.port.js'

const CLIENT_CLOSED_REQUEST = 499
const KNOWN_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** One line and one measurement per request, when its answer has been sent or its client has gone. */
export const observe = (exchange: Exchange, metrics: HttpMetrics, log: Logger): void => {
  const began = performance.now()
  exchange.res.on('close', () => {
    const { res, method } = exchange
    const status = res.writableFinished ? res.statusCode : CLIENT_CLOSED_REQUEST
    const durationMs = performance.now() - began
    metrics.requestFinished({
      method: KNOWN_METHODS.includes(method) ? method : 'other',
      route: exchange.routePattern,
      status,
      durationSeconds: durationMs / 1_000,
    })
    writeLine(exchange, log, status, durationMs)
  })
}

const QUIET_ROUTES = ['/healthz', '/ready', '/health', '/metrics']

/** On the common log: one of the request's own is made only when something else is said of it. */
const writeLine = (exchange: Exchange, log: Logger, status: number, durationMs: number): void => {
  const { requestId, method, path, procedures, errorCodes, actor, address, routePattern } = exchange
  const fields = {
    requestId,
    method,
    path,
    status,
    durationMs: Math.round(durationMs * 10) / 10,
    ...(procedures.length > 0 && { procedures }),
    ...(errorCodes.size > 0 && { errorCodes: [...errorCodes] }),
    actorId: actor?.id ?? null,
    address,
  }
  // Probes ask every few seconds and say nothing new.
  if (QUIET_ROUTES.includes(routePattern) && status < 500) log.debug(fields, 'request')
  else log.info(fields, 'request')
}
