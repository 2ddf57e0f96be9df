import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Transform } from 'node:stream'

export interface Address {
  host: string
  port: number
}

interface Link {
  client: Socket
  server: Socket | null
  /** On the way from the server to the client. */
  answers: Transform
}

/**
 * Stands in a TCP connection and breaks it on demand: `hold` lets nothing pass and closes nothing, as a network whose
 * packets are lost; `strand` does so to what is open alone; `slow` makes every answer late; `cut` destroys what is open.
 */
export class TcpProxy {
  private readonly server = createServer((client) => this.accept(client))
  private readonly links = new Set<Link>()
  private held = false
  private delayMs = 0

  /** @param target asked for each connection; null refuses it */
  constructor(private readonly target: () => Address | null) {
    this.server.on('error', () => undefined)
  }

  async start(): Promise<number> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return (this.server.address() as AddressInfo).port
  }

  hold(): void {
    this.held = true
    this.strand()
  }

  /** Nothing passes any more through what is open, as when a router on the way has forgotten it; new connections work. */
  strand(): void {
    for (const { client, server, answers } of this.links) {
      client.unpipe().pause()
      server?.unpipe().pause()
      answers.unpipe()
    }
  }

  /** Each piece of an answer takes so much longer from now on. */
  slow(ms: number): void {
    this.delayMs = ms
  }

  /** What was held goes on, as after a network that is back. */
  release(): void {
    this.held = false
    for (const link of this.links) this.join(link)
  }

  cut(): void {
    for (const { client, server } of this.links) {
      client.destroy()
      server?.destroy()
    }
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private accept(client: Socket): void {
    const link: Link = { client, server: null, answers: this.delaying() }
    this.links.add(link)
    client.setNoDelay(true).pause()
    // Each end's failure is the other's end; both sides tell it to whoever uses them.
    client.on('error', () => undefined)
    client.once('close', () => {
      link.server?.destroy()
      this.links.delete(link)
    })
    if (!this.held) this.join(link)
  }

  private join(link: Link): void {
    const { client } = link
    link.server ??= this.dial(client)
    if (link.server === null) {
      client.destroy()
      return
    }
    client.pipe(link.server)
    link.server.pipe(link.answers).pipe(client)
  }

  private delaying(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        if (this.delayMs === 0) done(null, chunk)
        else setTimeout(done, this.delayMs, null, chunk)
      },
    })
  }

  private dial(client: Socket): Socket | null {
    const address = this.target()
    if (address === null) return null
    const server = connect(address).setNoDelay(true)
    server.on('error', () => undefined)
    server.once('close', () => client.destroy())
    return server
  }
}
