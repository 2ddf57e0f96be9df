import type { Socket } from 'node:net'

import { fieldsOf } from '../kernel/correlation.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Exchange } from './exchange.js'
import type { HttpMetrics } from './metrics.port.js'

const CLIENT_CLOSED_REQUEST = 499
const KNOWN_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

interface Carried {
  in: number
  out: number
}

/** What connections had carried when their last request was over: they carry one after the other. */
const carried = new WeakMap<Socket, Carried>()
const NOTHING: Carried = { in: 0, out: 0 }

/** What the request had of its connection since the one before it, its head included. */
const bytesOf = (socket: Socket): { bytesIn: number; bytesOut: number } => {
  const before = carried.get(socket) ?? NOTHING
  const now = { in: socket.bytesRead, out: socket.bytesWritten }
  carried.set(socket, now)
  return { bytesIn: now.in - before.in, bytesOut: now.out - before.out }
}

/** One line, one measurement and the end of the span per request, when its answer has been sent or its client has gone. */
export const observe = (exchange: Exchange, metrics: HttpMetrics, log: Logger): void => {
  const began = performance.now()
  const { socket } = exchange.req
  exchange.res.on('close', () => {
    const { res, method, streamBeganMs } = exchange
    const status = res.writableFinished ? res.statusCode : CLIENT_CLOSED_REQUEST
    const durationMs = performance.now() - began
    metrics.requestFinished({
      method: KNOWN_METHODS.includes(method) ? method : 'other',
      route: exchange.routePattern,
      // Streams end when their clients leave, hours later: what people wait for is their beginning.
      status: streamBeganMs === null ? status : res.statusCode,
      durationSeconds: (streamBeganMs === null ? durationMs : streamBeganMs - began) / 1_000,
    })
    writeLine(exchange, log, { status, durationMs: tenths(durationMs), ...bytesOf(socket) })
    endSpan(exchange, status)
  })
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10

const QUIET_ROUTES = ['/healthz', '/ready', '/health', '/health/detailed', '/api/health', '/metrics']

/** Whether it asks how the server does. */
export const isQuiet = (url: string): boolean => QUIET_ROUTES.includes(url.split('?', 1)[0] ?? '')

interface Measured {
  status: number
  durationMs: number
  /** On the wire, heads included. */
  bytesIn: number
  bytesOut: number
}

/** Of the kept answer, else of what its services wanted of the cache: `hit` when nothing had to be made. */
const cacheResultOf = ({ cacheResult, correlation: { spent } }: Exchange): 'hit' | 'miss' | undefined => {
  if (cacheResult !== null) return cacheResult
  if (spent.cacheReads === 0) return undefined
  return spent.cacheLoads === 0 ? 'hit' : 'miss'
}

const writeLine = (exchange: Exchange, log: Logger, measured: Measured): void => {
  const { correlation, procedures, errorCodes, routePattern } = exchange
  const { spent } = correlation
  const cache = cacheResultOf(exchange)
  const fields = {
    ...fieldsOf(correlation),
    ...measured,
    ...(procedures.length > 0 && { procedures }),
    ...(errorCodes.size > 0 && { errorCodes: [...errorCodes] }),
    ...(cache !== undefined && { cache }),
    ...(spent.databaseOperations > 0 && {
      databaseMs: tenths(spent.databaseMs),
      databaseOperations: spent.databaseOperations,
    }),
  }
  // Probes ask every few seconds and say nothing new.
  if (QUIET_ROUTES.includes(routePattern) && measured.status < 500) log.debug(fields, 'request')
  else log.info(fields, 'request')
}

const endSpan = (exchange: Exchange, status: number): void => {
  const { method, routePattern, errorCodes, path } = exchange
  const { span } = exchange.correlation
  if (span === null) return
  span.rename(`${method} ${routePattern}`)
  span.set({
    ...{ 'http.request.method': method, 'http.route': routePattern, 'url.path': path },
    ...{ 'http.response.status_code': status, 'gantry.error_codes': [...errorCodes].join(',') || undefined },
    'gantry.cache': cacheResultOf(exchange),
  })
  span.end(status >= 500 ? new Error(String(status)) : undefined)
}
