import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { AnyRouter } from '@trpc/server'

import type { Authenticator } from '../kernel/actor.js'
import type { Logger } from '../kernel/logger.port.js'
import { NO_TRACER, type Tracer } from '../kernel/spans.port.js'
import type { Answers } from '../trpc/answers.js'
import { LiveStreams } from '../trpc/live-streams.js'
import type { Services } from '../trpc/services.js'
import { AllowedPages } from './browsers/allowed-pages.js'
import { ClientAddresses } from './client-addresses.js'
import { refuseUnparsable } from './client-error.js'
import { Connections } from './connections.js'
import type { ExportDownloads } from './exports/export.routes.js'
import type { FileHandlers } from './files/file-handlers.js'
import { EventLoopLag } from './health/event-loop-lag.js'
import type { HealthSource } from './health/health.routes.js'
import type { RateLimiter } from './limits/rate-limiter.port.js'
import type { HttpMetrics } from './metrics.port.js'
import { Pipeline } from './pipeline.js'
import { RouteTable } from './route.js'
import { allRoutes } from './routes.js'
import { DEFAULT_TIMEOUTS, LIMITS, type HttpSettings, type HttpTimeouts } from './settings.js'

export interface HttpServerOptions {
  config: HttpSettings
  log: Logger
  metrics: HttpMetrics
  /** @default nothing is traced */
  tracer?: Tracer
  authenticator: Authenticator
  rateLimiter: RateLimiter
  router: AnyRouter
  services: Services
  /** Null: no answers are kept. */
  answers: Answers | null
  exports: ExportDownloads
  files: FileHandlers
  health: HealthSource
  timeouts?: Partial<HttpTimeouts>
  /** Connections of one address. @default 2,500 */
  connectionsPerNetwork?: number
  /** @default those of this server's authenticator */
  liveStreams?: LiveStreams
}

export interface HttpServer {
  /** @throws the system's error when the address cannot be listened on */
  listen(): Promise<{ url: string }>
  /** From now on `/ready` answers 503, so that no new work is sent here; requests are still answered. */
  drain(): void
  /** Drains, ends streams with a hint to come back, lets answers under way finish, and closes all connections. */
  stop(): Promise<void>
}

const IDLE_SWEEP_MS = 100

class GantryHttpServer implements HttpServer {
  private readonly server: Server
  private readonly connections: Connections
  private readonly lag = new EventLoopLag()
  private readonly streams: LiveStreams
  private readonly timeouts: HttpTimeouts
  private draining = false
  private stopping: Promise<void> | null = null

  /** @throws TypeError when the router offers something as REST that cannot be offered so */
  constructor(private readonly options: HttpServerOptions) {
    this.timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
    this.streams = options.liveStreams ?? new LiveStreams({ authenticator: options.authenticator })
    options.metrics.gauge(
      'gantry_live_streams',
      'Live streams (SSE) that are open at this process.',
      () => this.streams.count,
    )
    const addresses = new ClientAddresses(options.config.http.trustedProxies)
    const pipeline = new Pipeline({
      ...options,
      tracer: options.tracer ?? NO_TRACER,
      corsOrigins: options.config.http.corsOrigins,
      pages: new AllowedPages(options.config.http),
      addresses,
      requestTimeoutMs: this.timeouts.requestMs,
      routes: new RouteTable(
        allRoutes({
          ...options,
          timeouts: this.timeouts,
          liveStreams: this.streams,
          isDraining: () => this.draining,
          lag: this.lag,
        }),
      ),
    })
    const answer = (req: IncomingMessage, res: ServerResponse) => {
      if (this.draining) res.setHeader('Connection', 'close')
      this.connections.takeTurn(req, res, () => void pipeline.handle(req, res))
    }
    this.server = createServer(
      {
        maxHeaderSize: LIMITS.headerBytes,
        headersTimeout: this.timeouts.headersMs,
        keepAliveTimeout: this.timeouts.keepAliveMs,
        // Uploads may take long; bodies of other requests have a limit of their own.
        requestTimeout: 0,
        connectionsCheckingInterval: Math.min(5_000, this.timeouts.headersMs / 2),
        // Refused by us, with everything that an answer of ours carries.
        requireHostHeader: false,
      },
      answer,
    )
    this.server.on('checkExpectation', answer)
    // What is beyond it node would leave out in silence, such as the line that says who asks.
    this.server.maxHeadersCount = 0
    this.connections = new Connections(this.server, {
      stallMs: this.timeouts.answerStallMs,
      perNetwork: options.connectionsPerNetwork ?? LIMITS.connectionsPerNetwork,
      isProxy: (address) => addresses.trusts(address),
    })
    this.server.maxConnections = LIMITS.connections
    this.server.maxRequestsPerSocket = LIMITS.requestsPerConnection
    this.server.on('clientError', (error, socket) => refuseUnparsable(error, socket, options))
  }

  async listen(): Promise<{ url: string }> {
    const { host, port } = this.options.config.http
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, host, () => {
        this.server.off('error', reject)
        resolve()
      })
    })
    const { address, family, port: bound } = this.server.address() as AddressInfo
    return { url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}` }
  }

  drain(): void {
    this.draining = true
  }

  stop(): Promise<void> {
    this.stopping ??= this.close()
    return this.stopping
  }

  private async close(): Promise<void> {
    this.drain()
    this.lag.stop()
    if (!this.server.listening) return
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    this.streams.endAll()
    const sweep = setInterval(() => this.connections.closeIdle(), IDLE_SWEEP_MS)
    const cap = setTimeout(() => {
      this.options.log.warn({ capMs: this.timeouts.stopMs }, 'requests did not end in time and are cut off')
      this.server.closeAllConnections()
    }, this.timeouts.stopMs)
    await closed
    clearInterval(sweep)
    clearTimeout(cap)
  }
}

/** The HTTP server of Gantry: one pipeline in front of tRPC, REST, file transfers and probes. */
export const createHttpServer = (options: HttpServerOptions): HttpServer => new GantryHttpServer(options)
