import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export interface OddServer extends AsyncDisposable {
  url: string
}

const listening = async (server: Server): Promise<OddServer> => {
  const open = new Set<Socket>()
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('error', () => undefined).once('close', () => open.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      server.close()
      if (server.listening) await once(server, 'close')
    },
  }
}

/** Takes every connection and never says a word. */
export const startBlackHole = (): Promise<OddServer> => listening(createServer(() => undefined))

const pgError = (code: string, message: string): Buffer => {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`)
  const head = Buffer.from('E\0\0\0\0')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}

/** A PostgreSQL that is only just starting up when it is first asked, `refusals` times, and then the one at `target`. */
export const startLatePostgres = async (
  target: URL,
  refusals: number,
): Promise<OddServer & { asked: () => number }> => {
  let asked = 0
  const server = createServer((socket) => {
    asked += 1
    if (asked <= refusals) {
      socket.once('data', () => socket.end(pgError('57P03', 'the database system is starting up')))
      return
    }
    const onward = connect(Number(target.port), target.hostname)
    onward.on('error', () => socket.destroy())
    socket.on('close', () => onward.destroy())
    socket.pipe(onward).pipe(socket)
  })
  return Object.assign(await listening(server), { asked: () => asked })
}

/** Answers everything with a page, as a router or a camera does. */
export const startWebSite = (
  answer: RequestListener = (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html><body>Welcome to your router</body></html>')
  },
): Promise<OddServer> => listening(createHttpServer(answer))

/** A port on which nobody listens any more. */
export const closedPort = async (): Promise<string> => {
  await using server = await startBlackHole()
  return server.url
}

/** A way to the PostgreSQL at `target` that can be shut: then connections end, and new ones are refused. */
export interface Door extends AsyncDisposable {
  /** The connection string that leads through it. */
  url: string
  shut(): Promise<void>
  /** Nothing happens when it is open. */
  open(): Promise<void>
}

export const startDoor = async (target: string): Promise<Door> => {
  const { hostname, port } = new URL(target)
  const inside = new Set<Socket>()
  const server = createServer((socket) => {
    const onward = connect(Number(port), hostname)
    for (const [one, other] of [[socket, onward] as const, [onward, socket] as const]) {
      inside.add(one)
      one
        .on('error', () => other.destroy())
        .once('close', () => {
          inside.delete(one)
          other.destroy()
        })
    }
    socket.pipe(onward).pipe(socket)
  })
  const listen = async (on: number) => {
    if (!server.listening) {
      server.listen(on, '127.0.0.1')
      await once(server, 'listening')
    }
    return (server.address() as AddressInfo).port
  }
  const shut = async () => {
    server.close()
    for (const socket of inside) socket.destroy()
    if (server.listening) await once(server, 'close')
  }
  const own = await listen(0)
  const url = new URL(target)
  url.host = `127.0.0.1:${own}`
  return {
    ...{ url: url.href, shut },
    open: async () => {
      await listen(own)
    },
    [Symbol.asyncDispose]: shut,
  }
}
