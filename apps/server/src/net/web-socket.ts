import type { IncomingMessage } from 'node:http'

import WebSocket, { type RawData } from 'ws'

import { createDeadline } from './deadline.js'
import { NetError, toNetError } from './net-error.js'
import type { Resolver } from './resolver.js'

export interface WebSocketRequest {
  /** `ws:` or `wss:` */
  url: string
  headers?: Readonly<Record<string, string>>
  signal?: AbortSignal
  /** For the handshake, the name's resolution included. @default 10_000 */
  timeoutMs?: number
  /** A longer message ends the connection. @default 1 MB */
  maxMessageBytes?: number
  /** How often the peer is pinged. @default 20_000 */
  pingIntervalMs?: number
  /** How long it may take to answer a ping before it counts as gone. @default 10_000 */
  pongTimeoutMs?: number
  /**
   * Text messages in the order of their arrival, the first perhaps before the socket is handed over; binary ones are
   * dropped. Must not throw.
   */
  onMessage: (text: string) => void
}

/** An open connection. */
export interface OutboundSocket {
  /** Resolves once with why the connection ended; null when we closed it. */
  readonly closed: Promise<NetError | null>
  /** Drops the text when the connection is over, which `closed` tells. */
  send(text: string): void
  close(): void
}

const MAX_BUFFERED_BYTES = 1_000_000

const textOf = (data: RawData): string =>
  (Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data)).toString('utf8')

const refusal = (peer: string, response: IncomingMessage) =>
  new NetError('protocol', `${peer} refused the WebSocket with status ${response.statusCode ?? 0}`, {
    httpStatus: response.statusCode ?? 0,
  })

const opened = async (socket: WebSocket, peer: string, deadline: AbortSignal): Promise<void> => {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown) => reject(toNetError(error, peer))
    if (deadline.aborted) fail(deadline.reason)
    deadline.addEventListener('abort', () => fail(deadline.reason), { once: true })
    socket.once('open', resolve)
    socket.once('error', fail)
    socket.once('unexpected-response', (_request, response) => {
      response.destroy()
      fail(refusal(peer, response))
    })
  })
}

/** Pings, and calls `gone` when nothing at all came back in time. Returns how to stop. */
const watchLiveness = (socket: WebSocket, intervalMs: number, pongMs: number, gone: () => void): (() => void) => {
  let verdict: NodeJS.Timeout | undefined
  const alive = () => {
    clearTimeout(verdict)
    verdict = undefined
  }
  const pinger = setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN) return
    socket.ping()
    verdict ??= setTimeout(gone, pongMs)
  }, intervalMs)
  socket.on('pong', alive)
  socket.on('message', alive)
  return () => {
    clearInterval(pinger)
    alive()
  }
}

const manage = (socket: WebSocket, request: WebSocketRequest, peer: string): OutboundSocket => {
  let ended: NetError | null | undefined
  const end = (error: NetError | null) => {
    ended ??= error
    if (socket.readyState !== WebSocket.CLOSED) socket.terminate()
  }
  const { pingIntervalMs = 20_000, pongTimeoutMs = 10_000 } = request
  const stopWatching = watchLiveness(socket, pingIntervalMs, pongTimeoutMs, () =>
    end(new NetError('timeout', `${peer} did not answer a ping within ${pongTimeoutMs} ms`)),
  )
  const closed = new Promise<NetError | null>((resolve) => {
    socket.once('close', (code) => {
      stopWatching()
      request.signal?.removeEventListener('abort', abort)
      resolve(ended === undefined ? new NetError('unreachable', `${peer} closed the connection (${code})`) : ended)
    })
  })
  const abort = () => end(null)
  socket.on('error', (error) => end(toNetError(error, peer)))
  socket.on('message', (data, isBinary) => {
    if (!isBinary && ended === undefined) request.onMessage(textOf(data))
  })
  request.signal?.addEventListener('abort', abort, { once: true })
  return {
    closed,
    close: abort,
    send(text) {
      if (socket.readyState !== WebSocket.OPEN) return
      if (socket.bufferedAmount > MAX_BUFFERED_BYTES) end(new NetError('timeout', `${peer} takes no more messages`))
      else socket.send(text)
    },
  }
}

/**
 * Opens a WebSocket to a checked address. No `Origin` is sent (hosts take that for a foreign web page), no redirect is
 * followed and nothing is compressed.
 * @throws NetError
 */
export const openWebSocket = async (resolver: Resolver, request: WebSocketRequest): Promise<OutboundSocket> => {
  const url = new URL(request.url)
  resolver.checkLiteral(url.hostname)
  using deadline = createDeadline(request.timeoutMs ?? 10_000, url.host, request.signal)
  const socket = new WebSocket(url, {
    headers: { ...request.headers },
    lookup: resolver.lookup,
    followRedirects: false,
    perMessageDeflate: false,
    maxPayload: request.maxMessageBytes ?? 1_000_000,
  })
  // Listens before the handshake ends: a peer may send its first message in the same packet.
  const managed = manage(socket, request, url.host)
  try {
    await opened(socket, url.host, deadline.signal)
  } catch (error) {
    managed.close()
    throw error
  }
  return managed
}
