import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Authenticator } from '../kernel/actor.js'
import { correlated } from '../kernel/correlation.js'
import { ERROR_TABLE, GantryError } from '../kernel/errors.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Span, Tracer } from '../kernel/spans.port.js'
import { gantryErrorOf } from '../trpc/gantry-error-of.js'
import { logError } from '../trpc/log-error.js'
import { isQuiet, observe } from './access-log.js'
import type { AllowedPages } from './browsers/allowed-pages.js'
import type { ClientAddresses } from './client-addresses.js'
import { applyCors } from './cors.js'
import { Exchange } from './exchange.js'
import { applyRateLimit, assertMayLookUp } from './limits/rate-limit.js'
import type { RateLimiter } from './limits/rate-limiter.port.js'
import { assertWithinLimits } from './limits/request-limits.js'
import type { HttpMetrics } from './metrics.port.js'
import { sendError } from './respond.js'
import type { Match, Route, RouteTable } from './route.js'
import { SECURITY_HEADERS } from './security-headers.js'

export interface PipelineOptions {
  log: Logger
  metrics: HttpMetrics
  tracer: Tracer
  authenticator: Pick<Authenticator, 'authenticate'>
  rateLimiter: RateLimiter
  corsOrigins: readonly string[]
  pages: AllowedPages
  addresses: ClientAddresses
  requestTimeoutMs: number
  routes: RouteTable
}

/** The credentials are worth nothing: not the same as not being able to tell. */
const isRefusal = (error: unknown) => error instanceof GantryError && ERROR_TABLE[error.code].httpStatus === 401

/** What happens to every request, in this order, before its route sees it. */
export class Pipeline {
  constructor(private readonly options: PipelineOptions) {}

  handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { log, metrics, pages, addresses } = this.options
    const exchange = new Exchange(req, res, log, addresses.of(req), pages, this.spanOf(req))
    exchange.head = { 'X-Request-Id': exchange.requestId, ...SECURITY_HEADERS }
    observe(exchange, metrics, log)
    return correlated(exchange.correlation, () => this.answer(exchange))
  }

  private spanOf({ method = 'GET', url = '', headers: { traceparent } }: IncomingMessage): Span | null {
    // Probes and scrapes come every few seconds and would be most of what is traced.
    if (traceparent === undefined && isQuiet(url)) return null
    return this.options.tracer.begin(method, 'server', typeof traceparent === 'string' ? traceparent : null)
  }

  private async answer(exchange: Exchange): Promise<void> {
    let match: Match | null = null
    try {
      if (applyCors(exchange, this.options.corsOrigins)) return
      assertWithinLimits(exchange)
      match = this.options.routes.find(exchange.method, exchange.path)
      await this.serve(exchange, match)
    } catch (thrown) {
      this.fail(exchange, match?.route ?? null, gantryErrorOf(thrown))
    }
  }

  private async serve(exchange: Exchange, { route, params }: Match): Promise<void> {
    exchange.routePattern = route.pattern
    exchange.isOld = route.clients === 'old'
    route.prepare?.(exchange)
    if (route.isLong?.(exchange) !== true) exchange.startDeadline(this.options.requestTimeoutMs)
    if (route.access === 'guarded') await exchange.unlessAborted(this.admit(exchange, route.cost?.(exchange) ?? 1))
    if (route.shortcut !== undefined && (await exchange.unlessAborted(route.shortcut(exchange)))) return
    exchange.applyHead()
    await route.handle(exchange, params)
  }

  /** Knows the caller and lets him in, unless he came too often. */
  private async admit(exchange: Exchange, cost: number): Promise<void> {
    await this.authenticate(exchange, cost)
    await applyRateLimit(exchange, this.options.rateLimiter, cost)
  }

  private async authenticate(exchange: Exchange, cost: number): Promise<void> {
    const { authorization, byCookie } = exchange.credentials()
    try {
      exchange.actor = await this.options.authenticator.authenticate(authorization, () =>
        assertMayLookUp(exchange, this.options.rateLimiter),
      )
    } catch (error) {
      // What comes along unasked must not keep anybody from logging in anew; without an actor it opens nothing.
      if ((byCookie || exchange.isOld) && isRefusal(error)) return
      // Guessing counts for the address, so that it cannot go on for ever.
      await applyRateLimit(exchange, this.options.rateLimiter, cost)
      // Fail closed: not being able to find out is never an anonymous caller.
      if (error instanceof GantryError) throw error
      throw new GantryError('UNAVAILABLE', { detail: 'the authenticator failed', cause: error })
    }
  }

  private fail(exchange: Exchange, route: Route | null, error: GantryError): void {
    // A procedure's error was logged where it happened.
    if (!exchange.errorCodes.has(error.code)) logError(exchange.log, error, { path: exchange.path })
    if (exchange.res.headersSent) {
      exchange.errorCodes.add(error.code)
      exchange.res.destroy()
      return
    }
    exchange.applyHead()
    if (error.code === 'METHOD_NOT_ALLOWED' && Array.isArray(error.params['allowed'])) {
      exchange.res.setHeader('Allow', error.params['allowed'].join(', '))
    }
    const send = route?.sendError ?? sendError
    send(exchange, error)
  }
}
