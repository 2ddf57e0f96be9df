import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { Connection } from './connection.js'

/** The real host's limit for one frame from a client. */
const MAX_FRAME_BYTES = 10 * 1024 * 1024
export const MAX_CONNECTIONS = 50

type MessageHandler = (connection: Connection, text: string) => Promise<void>

/** The open sockets of one host. */
export class Connections {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES })
  readonly #open = new Map<number, Connection>()
  #lastId = 0

  /** @param onMessage never rejects */
  constructor(private readonly onMessage: MessageHandler) {}

  get count(): number {
    return this.#open.size
  }

  /** Completes the handshake of an upgrade request that was let in. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, isAuthorized: boolean): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#add(webSocket, request, isAuthorized))
  }

  /** Tells every client that may know; a client without the key hears nothing. */
  notifyAll(name: string, ...params: readonly unknown[]): void {
    for (const connection of this.#open.values()) if (connection.isAuthorized) connection.notify(name, ...params)
  }

  unsubscribeAll(): void {
    for (const connection of this.#open.values()) connection.unsubscribe()
  }

  subscribed(): readonly Connection[] {
    return [...this.#open.values()].filter((connection) => connection.isSubscribed)
  }

  pingAll(): void {
    for (const { socket } of this.#open.values()) if (socket.readyState === socket.OPEN) socket.ping()
  }

  #add(socket: WebSocket, request: IncomingMessage, isAuthorized: boolean): void {
    this.#lastId += 1
    const connection = new Connection(this.#lastId, socket, request, isAuthorized)
    this.#open.set(connection.id, connection)
    socket.on('close', () => this.#open.delete(connection.id))
    socket.on('error', () => socket.terminate())
    socket.on('message', (data) => void this.onMessage(connection, textOf(data)))
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8')
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString('utf8')
}
