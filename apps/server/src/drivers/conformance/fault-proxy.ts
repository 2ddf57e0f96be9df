import { once } from 'node:events'
import { createServer, type IncomingMessage, request as httpRequest, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { WebSocket, WebSocketServer } from 'ws'

type Mode =
  | 'pass'
  /** Every HTTP answer is a page, as from a proxy whose host is down. */
  | 'page'
  /** Every HTTP answer is JSON without end. */
  | 'flood'
  /** Connections stay open and nothing passes any more, pongs included. */
  | 'frozen'
  /** Connections are destroyed, old and new. */
  | 'gone'

/** Headers that belong to one connection, or that the WebSocket library makes itself. */
const OWN_HEADERS = /^(connection|upgrade|host|sec-websocket-.*)$/i

/** Stands between a driver and a real or virtual host, and makes the host misbehave on demand. */
export class FaultProxy {
  #mode: Mode = 'pass'
  #server: Server
  #acceptor = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  readonly #connections = new Set<Socket>()
  readonly #requests = new Set<IncomingMessage>()

  constructor(private readonly target: URL) {
    this.#server = createServer((request, response) => this.#serve(request, response))
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    )
    this.#server.on('connection', (socket: Socket) => {
      this.#connections.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => this.#connections.delete(socket))
      if (this.#mode === 'gone') socket.destroy()
    })
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const { port } = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${port}${this.target.pathname.replace(/\/$/, '')}`
  }

  /** How many HTTP requests have not been answered to their end. */
  get requestsUnderWay(): number {
    return this.#requests.size
  }

  set mode(mode: Mode) {
    this.#mode = mode
    if (mode === 'frozen') for (const client of this.#acceptor.clients) client.pause()
    if (mode === 'gone') for (const socket of this.#connections) socket.destroy()
  }

  /** Sends a text frame to the driver as if it came from the host. */
  inject(text: string): void {
    for (const client of this.#acceptor.clients) client.send(text)
  }

  async stop(): Promise<void> {
    this.mode = 'gone'
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#requests.add(request)
    response.once('close', () => this.#requests.delete(request))
    if (this.#mode === 'pass') this.#forward(request, response)
    else if (this.#mode === 'page') {
      response.writeHead(502, { 'content-type': 'text/html' }).end('<html><title>Bad gateway</title></html>')
    } else if (this.#mode === 'flood') this.#flood(response)
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    const upstream = httpRequest(new URL(request.url ?? '/', this.target), {
      method: request.method ?? 'GET',
      headers: { ...request.headers, host: this.target.host },
      agent: false,
    })
    upstream.on('error', () => response.destroy())
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    response.once('close', () => upstream.destroy())
    request.pipe(upstream)
  }

  #flood(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = () => {
      while (!response.destroyed && response.write('"'.padEnd(64_000, 'x'))) continue
    }
    response.on('drain', more)
    more()
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#mode !== 'pass') return
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !OWN_HEADERS.test(name)))
    const url = new URL(request.url ?? '/', this.target)
    url.protocol = url.protocol.replace('http', 'ws')
    const upstream = new WebSocket(url, { headers: headers as Record<string, string>, perMessageDeflate: false })
    const early: string[] = []
    const keep = (data: Buffer) => void early.push(data.toString())
    upstream.on('message', keep)
    upstream.on('error', () => socket.destroy())
    upstream.once('open', () => {
      this.#acceptor.handleUpgrade(request, socket, head, (client) => {
        upstream.off('message', keep)
        for (const text of early) client.send(text)
        this.#join(client, upstream)
      })
    })
  }

  #join(client: WebSocket, upstream: WebSocket): void {
    const pass = (to: WebSocket) => (data: Buffer) => {
      if (this.#mode !== 'frozen' && to.readyState === WebSocket.OPEN) to.send(data.toString())
    }
    client.on('message', pass(upstream))
    upstream.on('message', pass(client))
    client.on('error', () => undefined)
    client.once('close', () => upstream.terminate())
    upstream.once('close', () => client.terminate())
  }
}
