import { fieldsOf } from '../kernel/correlation.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Exchange } from './exchange.js'
import type { HttpMetrics } from './metrics.port.js'

const CLIENT_CLOSED_REQUEST = 499
const KNOWN_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** One line, one measurement and the end of the span per request, when its answer has been sent or its client has gone. */
export const observe = (exchange: Exchange, metrics: HttpMetrics, log: Logger): void => {
  const began = performance.now()
  const { socket } = exchange.req
  // Connections carry one request after the other.
  const before = { in: socket.bytesRead, out: socket.bytesWritten }
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
    const bytes = { bytesIn: socket.bytesRead - before.in, bytesOut: socket.bytesWritten - before.out }
    writeLine(exchange, log, { status, durationMs: tenths(durationMs), ...bytes })
    endSpan(exchange, status)
  })
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10

const QUIET_ROUTES = ['/healthz', '/ready', '/health', '/health/detailed', '/api/health', '/metrics']

interface Measured {
  status: number
  durationMs: number
  /** On the wire, heads included. */
  bytesIn: number
  bytesOut: number
}

const writeLine = (exchange: Exchange, log: Logger, measured: Measured): void => {
  const { correlation, procedures, errorCodes, routePattern, cacheResult } = exchange
  const { spent } = correlation
  const fields = {
    ...fieldsOf(correlation),
    ...measured,
    ...(procedures.length > 0 && { procedures }),
    ...(errorCodes.size > 0 && { errorCodes: [...errorCodes] }),
    ...(cacheResult !== null && { cache: cacheResult }),
    ...(spent.databaseOperations > 0 && {
      databaseMs: tenths(spent.databaseMs),
      databaseOperations: spent.databaseOperations,
    }),
  }
  // Probes ask every few seconds and say nothing new.
  if (QUIET_ROUTES.includes(routePattern) && measured.status < 500) log.debug(fields, 'request')
  else log.info(fields, 'request')
}

const endSpan = ({ correlation: { span }, method, routePattern, errorCodes, path }: Exchange, status: number): void => {
  if (span === null) return
  span.rename(`${method} ${routePattern}`)
  span.set({
    ...{ 'http.request.method': method, 'http.route': routePattern, 'url.path': path },
    ...{ 'http.response.status_code': status, 'gantry.error_codes': [...errorCodes].join(',') || undefined },
  })
  span.end(status >= 500 ? new Error(String(status)) : undefined)
}
