import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * The open connections and how many requests each is working on. `Server.closeIdleConnections` leaves out connections
 * that never carried a request, which browsers and HTTP clients open ahead of need.
 */
export class Connections {
  private readonly requests = new Map<Socket, number>()

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.requests.set(socket, 0)
      socket.once('close', () => this.requests.delete(socket))
    })
    server.on('request', ({ socket }, res) => {
      this.count(socket, 1)
      res.once('close', () => this.count(socket, -1))
    })
  }

  closeIdle(): void {
    for (const [socket, requests] of this.requests) if (requests === 0) socket.destroy()
  }

  private count(socket: Socket, difference: number): void {
    const requests = this.requests.get(socket)
    if (requests !== undefined) this.requests.set(socket, requests + difference)
  }
}
