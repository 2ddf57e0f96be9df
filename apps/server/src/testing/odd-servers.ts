import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

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
