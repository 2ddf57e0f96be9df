import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Logger } from '../kernel/logger.port.js'
import { metricsFormatFor } from './metrics-format.js'
import type { MetricsText } from './metrics.port.js'
import { SECURITY_HEADERS } from './security-headers.js'

export interface MetricsListenerOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  metrics: MetricsText
  log: Logger
}

export interface MetricsListener {
  url: string
  stop: () => Promise<void>
}

const HEADERS_MS = 10_000
/** Collectors are few: whoever opens more is none. */
const MOST_CONNECTIONS = 50

/** `/metrics` alone, for everybody who reaches the port. @throws the system's error when it cannot be listened on */
export const listenForMetrics = async ({
  host,
  port,
  metrics,
  log,
}: MetricsListenerOptions): Promise<MetricsListener> => {
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const status =
      req.method !== 'GET' && req.method !== 'HEAD' ? 405 : req.url?.split('?')[0] !== '/metrics' ? 404 : 200
    if (status !== 200) return void res.writeHead(status, SECURITY_HEADERS).end()
    const { contentType, text } = await metrics.expose(metricsFormatFor(req.headers.accept))
    res.writeHead(200, { ...SECURITY_HEADERS, 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(text) })
    res.end(text)
  }
  const server = createServer({ headersTimeout: HEADERS_MS, requestTimeout: HEADERS_MS }, (req, res) => {
    req.resume()
    answer(req, res).catch((err: unknown) => {
      log.error({ err }, 'metrics could not be written')
      if (res.headersSent) res.destroy()
      else res.writeHead(500, SECURITY_HEADERS).end()
    })
  })
  server.maxConnections = MOST_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { address, family, port: bound } = server.address() as AddressInfo
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`, stop }
}
