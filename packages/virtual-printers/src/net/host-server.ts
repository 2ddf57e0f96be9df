import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { holdBody } from './read-body.js'
import type { CallFaults, HostCall, HostGate, HostHandler, HostReply } from './host-server.types.js'

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

export interface HostServerOptions {
  readonly host: string
  readonly port: number
  readonly handler: HostHandler
  readonly onUpgrade: UpgradeHandler
  /** The reply for an error that the handler did not expect. */
  readonly onError: (error: unknown) => HostReply
  /** @default none */
  readonly faults?: CallFaults
}

/** An HTTP server that can vanish from the network and come back on its port; all requests pass one gate. */
export class HostServer {
  gate: HostGate | null = null
  #server: Server | null = null
  #port: number
  readonly #sockets = new Set<Socket>()

  constructor(private readonly options: HostServerOptions) {
    this.#port = options.port
  }

  get url(): string {
    return `http://${this.options.host}:${this.#port}`
  }

  get online(): boolean {
    return this.#server !== null
  }

  /** Listens; nothing when it does already. @throws when the port is taken */
  async goOnline(): Promise<void> {
    if (this.#server) return
    const server = createServer((request, response) => void this.#serve(request, response))
    this.#server = server
    server.on('connection', (socket) => this.#track(socket))
    server.on('upgrade', this.options.onUpgrade)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, this.options.host, resolve)
    }).catch((error: unknown) => {
      this.#server = null
      throw error
    })
    this.#port = (server.address() as AddressInfo).port
  }

  /** Stops listening and destroys every connection. */
  async goOffline(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = null
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** A request as a call, also for an upgrade; null when its address cannot be read. */
  callOf(request: IncomingMessage): HostCall | null {
    try {
      const url = new URL(request.url ?? '/', 'http://host')
      const path = decodeURIComponent(url.pathname)
      const { method = 'GET', headers } = request
      return { channel: 'http', method, path, query: url.searchParams, headers, request }
    } catch {
      return null
    }
  }

  /**
   * Sends a call (also a message of a push socket) through the faults and the gate. `null`: give no answer and drop the
   * connection.
   */
  async pass(call: HostCall, handler: HostHandler): Promise<HostReply | null> {
    const { faults } = this.options
    const faulty = faults !== undefined && !faults.idle
    if (!this.gate && !faulty) return handler(call)
    if (call.channel === 'http') await holdBody(call.request)
    const behindFaults = async (passed: HostCall): Promise<HostReply | null> =>
      this.gate ? this.gate(passed, handler) : handler(passed)
    return faulty ? faults.pass(call, behindFaults) : behindFaults(call)
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#answer(request)
    if (!reply) {
      response.destroy()
      return
    }
    // An answer before the end of the body (a refused upload) must not leave the rest to the next request.
    if (!request.complete) response.setHeader('connection', 'close')
    writeReply(response, reply)
    request.resume()
  }

  async #answer(request: IncomingMessage): Promise<HostReply | null> {
    const call = this.callOf(request)
    if (!call) return { status: 400, body: 'Bad Request' }
    try {
      return await this.pass(call, this.options.handler)
    } catch (error) {
      return request.destroyed && !request.complete ? null : this.options.onError(error)
    }
  }
}

function writeReply(response: ServerResponse, reply: HostReply): void {
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  const body = reply.body ?? (reply.json === undefined ? '' : JSON.stringify(reply.json))
  if (reply.body === undefined && reply.json !== undefined) response.setHeader('content-type', 'application/json')
  response.statusCode = reply.status
  if (reply.status !== 204) response.setHeader('content-length', Buffer.byteLength(body))
  response.end(reply.status === 204 ? undefined : body)
}
