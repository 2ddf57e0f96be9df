import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Logger } from '../kernel/logger.port.js'
import { PROBE_AGAIN_SECONDS, type Probed, type Probes } from './health/probes.js'
import { metricsFormatFor } from './metrics-format.js'
import type { MetricsText } from './metrics.port.js'
import { SECURITY_HEADERS } from './security-headers.js'

export interface MetricsListenerOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  metrics: MetricsText
  probes: Pick<Probes, 'liveness' | 'readiness' | 'health'>
  log: Logger
}

export interface MetricsListener {
  url: string
  stop: () => Promise<void>
}

const HEADERS_MS = 10_000
/** Collectors are few: whoever opens more is none. */
const MOST_CONNECTIONS = 50

interface Page {
  status: number
  contentType: string
  text: string
  headers?: Record<string, string>
}

const jsonPage = ({ status, body }: Probed<object>): Page => ({
  ...{ status, contentType: 'application/json; charset=utf-8', text: JSON.stringify(body) },
  ...(status === 503 && { headers: { 'Retry-After': String(PROBE_AGAIN_SECONDS) } }),
})

const plain = (status: number, sentence: string, headers: Record<string, string> = {}): Page => ({
  ...{ status, headers, contentType: 'text/plain; charset=utf-8', text: `${sentence}\n` },
})

const send = (res: ServerResponse, { status, contentType, text, headers }: Page): void => {
  const length = Buffer.byteLength(text)
  res.writeHead(status, { ...SECURITY_HEADERS, ...headers, 'Content-Type': contentType, 'Content-Length': length })
  res.end(text)
}

/** `/metrics` and the probes, for everybody who reaches the port. @throws the system's error when it cannot be listened on */
export const listenForMetrics = async ({
  host,
  port,
  metrics,
  probes,
  log,
}: MetricsListenerOptions): Promise<MetricsListener> => {
  const pages: Readonly<Record<string, (req: IncomingMessage) => Page | Promise<Page>>> = {
    '/metrics': async (req) => ({ status: 200, ...(await metrics.expose(metricsFormatFor(req.headers.accept))) }),
    '/healthz': () => jsonPage(probes.liveness()),
    '/ready': async () => jsonPage(await probes.readiness()),
    '/health': async () => jsonPage(await probes.health()),
  }
  const pageOf = (req: IncomingMessage): Page | Promise<Page> => {
    const path = req.url?.split('?')[0] ?? ''
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    if (page === undefined) return plain(404, `Here are ${Object.keys(pages).join(', ')}.`)
    if (req.method !== 'GET' && req.method !== 'HEAD') return plain(405, 'GET and HEAD alone.', { Allow: 'GET, HEAD' })
    return page(req)
  }
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => send(res, await pageOf(req))
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
