import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface SeenRequest {
  method: string
  path: string
  query: URLSearchParams
  authorization: string | undefined
  body: string
}

/** What becomes of one answer; `lose`: the server acts, and the connection breaks before its answer has passed. */
export type Fault = 'pass' | 'lose' | 'hold' | { status: number; contentType: string; text: string }

/** Stands between client and server, sees every request, and breaks what a test wants broken. */
export interface FaultProxy extends AsyncDisposable {
  url: string
  seen: SeenRequest[]
  /** Asked for every request, in the order in which they come. */
  fault: (request: SeenRequest) => Fault
  /** Breaks every open connection. */
  cut(): void
  /** Requests whose answers are on their way. */
  open(): number
}

export const startFaultProxy = async (target: string): Promise<FaultProxy> => {
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  let underWay = 0

  const forward = (req: IncomingMessage, res: ServerResponse) => {
    const [path = '/', query = ''] = (req.url ?? '/').split('?')
    const entry: SeenRequest = {
      ...{ method: req.method ?? '', path, query: new URLSearchParams(query), body: '' },
      authorization: req.headers.authorization,
    }
    seen.push(entry)
    const fault = proxy.fault(entry)
    if (fault === 'hold') return
    if (typeof fault === 'object') {
      req.resume()
      res.writeHead(fault.status, { 'Content-Type': fault.contentType }).end(fault.text)
      return
    }
    underWay += 1
    const onward = request(`${target}${req.url ?? ''}`, { method: req.method, headers: req.headers }, (answer) => {
      if (fault === 'lose') {
        answer.resume().on('end', () => req.socket.destroy())
        return
      }
      res.writeHead(answer.statusCode ?? 500, answer.headers)
      res.flushHeaders()
      answer.pipe(res)
    })
    onward.on('error', () => res.destroy())
    req.on('data', (chunk: Buffer) => {
      if (req.headers['content-type'] === 'application/json') entry.body += chunk.toString()
    })
    req.pipe(onward)
    res.on('close', () => {
      underWay -= 1
      onward.destroy()
    })
  }

  const server = createServer(forward)
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    fault: () => 'pass',
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    open: () => underWay,
    [Symbol.asyncDispose]: async () => {
      proxy.cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
