import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { networkOf } from '../kernel/network-of.js'
import { StallWatch } from './stall-watch.js'

/** Requests of one connection that came before the one before them was answered. Who sends more is no client. */
const MOST_WAITING = 16
const LOOKS_PER_STALL = 4

export interface ConnectionsOptions {
  /** A client that takes less than a trickle of its answer for so long is hung up on. */
  stallMs: number
  /** Connections that one network may have at once. */
  perNetwork: number
  /** Whether the address is of a trusted proxy, which brings those of many clients. @default none is */
  isProxy?: (address: string) => boolean
}

interface Connection {
  /** Under way and waiting. */
  requests: number
  waiting: (() => void)[]
  watch: StallWatch
}

/**
 * The open connections: how many of them each network has, which requests each is working on, one after the other, and
 * whether its client takes what it asked for. `Server.closeIdleConnections` leaves out connections that never carried a
 * request, which browsers and HTTP clients open ahead of need.
 */
export class Connections {
  private readonly open = new Map<Socket, Connection>()
  private readonly held = new Map<string, number>()

  constructor(
    server: Server,
    private readonly options: ConnectionsOptions,
  ) {
    server.on('connection', (socket) => this.admit(socket))
    const every = Math.max(10, options.stallMs / LOOKS_PER_STALL)
    const looks = setInterval(() => this.hangUpOnStalled(), every).unref()
    server.once('close', () => clearInterval(looks))
  }

  /** Begins when everything that came before on its connection has been answered; never, if that has ended by then. */
  takeTurn({ socket }: IncomingMessage, res: ServerResponse, begin: () => void): void {
    const connection = this.open.get(socket)
    if (connection === undefined) return
    if (connection.waiting.length >= MOST_WAITING) return void socket.destroy()
    connection.requests += 1
    res.once('close', () => {
      connection.requests -= 1
      if (!socket.destroyed) connection.waiting.shift()?.()
    })
    if (connection.requests === 1) begin()
    else connection.waiting.push(begin)
  }

  closeIdle(): void {
    for (const [socket, { requests }] of this.open) if (requests === 0) socket.destroy()
  }

  private admit(socket: Socket): void {
    const holder = this.holderOf(socket)
    if (holder !== null) {
      const held = this.held.get(holder) ?? 0
      if (held >= this.options.perNetwork) return void socket.destroy()
      this.held.set(holder, held + 1)
    }
    this.open.set(socket, { requests: 0, waiting: [], watch: new StallWatch(socket) })
    socket.once('close', () => {
      this.open.delete(socket)
      if (holder !== null) this.release(holder)
    })
  }

  /** Whom a connection counts for; null: nobody. */
  private holderOf({ remoteAddress }: Socket): string | null {
    if (remoteAddress === undefined || this.options.isProxy?.(remoteAddress) === true) return null
    return networkOf(remoteAddress)
  }

  private release(holder: string): void {
    const held = (this.held.get(holder) ?? 1) - 1
    if (held > 0) this.held.set(holder, held)
    else this.held.delete(holder)
  }

  private hangUpOnStalled(): void {
    const now = performance.now()
    for (const [socket, { watch }] of this.open) if (watch.stalledMs(now) > this.options.stallMs) socket.destroy()
  }
}
