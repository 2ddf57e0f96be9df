import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { HostFaults } from '../faults/host-faults.js'
import type { HostOptions, RestartOptions, VirtualHost } from '../host.js'
import type { VirtualMachine } from '../machine/machine.types.js'
import { HostServer } from '../net/host-server.js'
import type { HostCall, HostGate, HostReply } from '../net/host-server.types.js'
import type { Connection } from './connection.js'
import { MAX_CONNECTIONS } from './connections.js'
import { moonrakerDialect } from './dialect.js'
import { locateUpload } from './file-location.js'
import { createHostParts, type HostParts } from './host-parts.js'
import { errorReply, HttpRoutes } from './http-routes.js'
import { answerJsonRpc, callMethod } from './json-rpc.js'
import { readObjects } from './klippy-objects.js'
import { isRecord, type Params } from './params.js'
import { readProcessUsage, readProcStats } from './proc-stats.js'
import { ServerError } from './server-error.js'
import { eventTime, type WebcamOptions } from './services.js'

const REPORT_INTERVAL_MS = 250
const PROC_STAT_INTERVAL_MS = 1_000
const PING_INTERVAL_MS = 10_000
const GIBIBYTE = 1024 ** 3

export interface MoonrakerHostOptions extends HostOptions {
  /** False: every address is a trusted client, as on most home installations. @default false */
  readonly requireApiKey?: boolean
  /** Wall ms from losing Klippy to ready in a restart. @default 3000 */
  readonly klippyRestartMs?: number
  /** @default 1 GiB, as the real host */
  readonly maxUploadBytes?: number
  /** @default none */
  readonly webcams?: readonly WebcamOptions[]
}

/**
 * A Moonraker 0.10 with Klipper behind it, on a real socket.
 * @throws the socket's error when the port is taken
 */
export async function createMoonrakerHost(
  machine: VirtualMachine,
  options: MoonrakerHostOptions,
): Promise<VirtualHost> {
  const host = new MoonrakerHost(machine, options)
  await host.goOnline()
  return host
}

class MoonrakerHost implements VirtualHost {
  readonly kind = 'moonraker'
  readonly faults: HostFaults
  readonly #parts: HostParts
  readonly #routes: HttpRoutes
  readonly #server: HostServer
  readonly #timers: readonly (() => void)[]

  constructor(
    private readonly machine: VirtualMachine,
    options: MoonrakerHostOptions,
  ) {
    this.faults = new HostFaults(machine, moonrakerDialect, options.seed ?? randomBytes(16).toString('hex'))
    this.#parts = createHostParts(machine, options, (connection, text) => this.#onMessage(connection, text))
    const { services, methods } = this.#parts
    this.#routes = new HttpRoutes({ services, methods, maxUploadBytes: options.maxUploadBytes ?? GIBIBYTE })
    this.#server = new HostServer({
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      handler: (call) => this.#routes.answer(call),
      onUpgrade: (request, socket, head) => void this.#onUpgrade(request, socket, head),
      onError: errorReply,
      faults: this.faults,
    })
    const { scheduler } = options
    this.#timers = [
      scheduler.every(options.reportIntervalMs ?? REPORT_INTERVAL_MS, () => this.#report()),
      scheduler.every(PROC_STAT_INTERVAL_MS, () => this.#reportProcStats()),
      scheduler.every(PING_INTERVAL_MS, () => services.connections.pingAll()),
    ]
  }

  get url(): string {
    return this.#server.url
  }

  get apiKey(): string {
    return this.#parts.services.authorization.apiKey
  }

  get online(): boolean {
    return this.#server.online
  }

  get gate(): HostGate | null {
    return this.#server.gate
  }

  set gate(gate: HostGate | null) {
    this.#server.gate = gate
  }

  goOnline(): Promise<void> {
    return this.#server.goOnline()
  }

  goOffline(): Promise<void> {
    return this.#server.goOffline()
  }

  /** Moonraker restarts, Klipper does not: the print goes on, but its row in the history ends as `server_exit`. */
  async restart({ history = 'keep' }: RestartOptions = {}): Promise<void> {
    const { jobs, services } = this.#parts
    await this.#end()
    jobs.leave()
    if (history === 'lose') {
      services.history.forgetAll()
      services.files.forgetJobs()
    }
    await this.goOnline()
  }

  async powerCycle(printing?: { readonly name: string; readonly content?: string | Uint8Array }): Promise<void> {
    const { jobs, services } = this.#parts
    await this.#end()
    jobs.losePower()
    services.klippy.powerCycle()
    try {
      if (printing) await this.startAtPanel(printing.name, printing.content)
    } finally {
      await this.goOnline()
    }
  }

  async startAtPanel(name: string, content?: string | Uint8Array): Promise<void> {
    const { files } = this.#parts.services
    if (content !== undefined) await files.write(locateUpload('gcodes', '', name), await files.store.stage(content))
    const path = files.findPrintable(name)
    const source = files.store.open(`gcodes/${path}`)
    if (!source) throw new ServerError('Unable to open file')
    this.machine.startAtPanel(path, source)
  }

  async stop(): Promise<void> {
    for (const cancel of this.#timers) cancel()
    this.faults.stop()
    this.#parts.services.klippy.disconnect()
    await this.goOffline()
    await this.#parts.services.files.store.removeAll()
  }

  /** Moonraker's process is gone, and what it had in hand. */
  async #end(): Promise<void> {
    await this.goOffline()
    this.faults.forgetDelayed()
    this.#parts.services.authorization.forgetTokens()
  }

  #report(): void {
    const { connections, klippy, clock } = this.#parts.services
    this.#parts.jobs.refresh()
    const subscribed = connections.subscribed()
    if (subscribed.length === 0 || !klippy.isConnected) return
    const objects = readObjects(this.machine, klippy)
    for (const connection of subscribed) connection.report(objects, eventTime(clock))
  }

  #reportProcStats(): void {
    const { connections, clock } = this.#parts.services
    if (connections.count === 0) return
    const stats = { ...readProcStats(connections.count), moonraker_stats: readProcessUsage(clock.wallMs()) }
    connections.notifyAll('proc_stat_update', stats)
  }

  /** The handshake passes the gate like any request; a key is not needed for it. */
  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Until the handshake is done nobody else listens for errors of this socket.
    socket.on('error', () => socket.destroy())
    const call = this.#server.callOf(request)
    const handler = ({ path }: HostCall): Promise<HostReply> => Promise.resolve(this.#handshake(path))
    const reply = call && (await this.#server.pass(call, handler).catch(errorReply))
    if (!call || !reply) socket.destroy()
    else if (reply.status !== 101) socket.end(`HTTP/1.1 ${reply.status} Refused\r\nconnection: close\r\n\r\n`)
    else this.#parts.services.connections.accept(request, socket, head, this.#routes.isAuthorized(call))
  }

  #handshake(path: string): HostReply {
    if (path !== '/websocket') return { status: 404 }
    return { status: this.#parts.services.connections.count < MAX_CONNECTIONS ? 101 : 500 }
  }

  async #onMessage(connection: Connection, text: string): Promise<void> {
    const reply = await answerJsonRpc(text, (method, params) => this.#callBySocket(connection, method, params))
    if (reply !== null && connection.socket.readyState === connection.socket.OPEN) connection.socket.send(reply)
  }

  /** A call over the socket, through the gate; without an answer the socket is cut. */
  async #callBySocket(connection: Connection, method: string, params: Params): Promise<unknown> {
    const { request } = connection
    const call: HostCall = {
      channel: 'socket',
      method,
      path: '',
      query: new URLSearchParams(),
      headers: request.headers,
      request,
      params,
    }
    const reply = await this.#server.pass(call, (passed) => this.#outcome(connection, passed)).catch(socketError)
    if (!reply) connection.socket.terminate()
    return reply?.json
  }

  async #outcome(connection: Connection, { method, params }: HostCall): Promise<HostReply> {
    const caller = { authorized: connection.isAuthorized, connection }
    return {
      status: 200,
      json: await callMethod(this.#parts.methods, method, isRecord(params) ? params : {}, caller),
    }
  }
}

/** What a gate throws is an internal error of the host. */
function socketError(error: unknown): HostReply {
  return {
    status: 500,
    json: { error: { code: 500, message: error instanceof Error ? error.message : String(error) } },
  }
}
