import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Scheduler } from '../machine/scheduler.js'
import type { HostCall } from '../net/host-server.types.js'
import { PERMISSIONS, type Access } from './access.js'
import type { OctoPrintInstance } from './octoprint-instance.js'
import { PushClient } from './push-client.js'
import { OCTOPRINT_VERSION } from './system.routes.js'

const MAX_MESSAGE_BYTES = 64 * 1024

/** `/sockjs/websocket`, the raw WebSocket of OctoPrint's push channel. */
export class PushServer {
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false })
  readonly #clients = new Set<PushClient>()
  #cancelReports: (() => void) | null = null

  constructor(
    private readonly instance: OctoPrintInstance,
    private readonly access: Access,
    private readonly scheduler: Scheduler,
    private readonly reportIntervalMs: number,
  ) {
    instance.on('event', (type, payload) => {
      for (const client of this.#clients) client.event(type, payload)
    })
  }

  /** HTTP status of the handshake: 101, or why not. */
  handshakeStatus(call: HostCall): number {
    if (call.path !== '/sockjs/websocket') return 404
    const { origin, host } = call.headers
    // With CORS off only the own origin may connect; programs send none.
    return origin === undefined || origin === `http://${host ?? ''}` ? 101 : 403
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.handleUpgrade(request, socket, head, (connection) => this.#open(connection))
  }

  #open(socket: WebSocket): void {
    const client = new PushClient(socket, this.instance, this.access, this.reportIntervalMs)
    socket.on('error', () => socket.terminate())
    socket.on('close', () => this.#close(client))
    client.send({ connected: connectedPayload() })
    this.#clients.add(client)
    this.#cancelReports ??= this.scheduler.every(this.reportIntervalMs, () => {
      for (const open of this.#clients) open.report()
    })
  }

  #close(client: PushClient): void {
    this.#clients.delete(client)
    if (this.#clients.size > 0) return
    this.#cancelReports?.()
    this.#cancelReports = null
  }
}

function connectedPayload(): object {
  const hash = (text: string): string => createHash('md5').update(text).digest('hex')
  return {
    version: OCTOPRINT_VERSION,
    display_version: OCTOPRINT_VERSION,
    branch: '',
    python_version: '3.11.2',
    plugin_hash: hash('plugins'),
    config_hash: hash('config'),
    debug: false,
    safe_mode: null,
    online: true,
    permissions: PERMISSIONS.map((key) => ({ key, name: key })),
  }
}
