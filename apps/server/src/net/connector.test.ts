import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'

import { afterEach, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'

import { type Connector, type ConnectorOptions, createConnector } from './connector.js'
import { multipartBody } from './multipart.js'

const cleanUps: (() => Promise<unknown> | undefined)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const listen = async (server: Server | TcpServer): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUps.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

const http = async (listener: RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listen(createServer(listener))}`

const connector = (options: ConnectorOptions = {}, allowLoopback = true): Connector => {
  const made = createConnector({ allowLoopback }, options)
  cleanUps.push(() => made.close())
  return made
}

/** Accepts connections and never says a word. */
const silentServer = async (): Promise<{ port: number; sockets: Set<Socket> }> => {
  const sockets = new Set<Socket>()
  const port = await listen(createTcpServer((socket) => void sockets.add(socket.on('error', () => undefined))))
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy()
    return undefined
  })
  return { port, sockets }
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => Buffer.concat(await request.toArray())

describe('outbound HTTP', () => {
  it('hands over status, type and body', async () => {
    const url = await http((request, response) => {
      response.writeHead(409, { 'content-type': 'application/json; charset=utf-8' })
      response.end(JSON.stringify({ host: request.headers.host, path: request.url }))
    })
    const answer = await connector().json({ url: `${url}/a?b=c` })
    expect(answer).toEqual({ status: 409, json: { host: new URL(url).host, path: '/a?b=c' } })
  })

  it('does not follow redirects', async () => {
    const url = await http((request, response) => {
      response.writeHead(request.url === '/' ? 302 : 200, { location: '/elsewhere' }).end()
    })
    expect(await connector().request({ url })).toMatchObject({ status: 302, headers: { location: '/elsewhere' } })
  })

  it('refuses an answer that is larger than asked for', async () => {
    const url = await http((_request, response) => response.end(Buffer.alloc(2_000_000)))
    await expect(connector().request({ url })).rejects.toMatchObject({ code: 'too_large' })
    await expect(connector().request({ url, maxBytes: 3_000_000 })).resolves.toMatchObject({ status: 200 })
  })

  it('hands over the beginning of an answer without end to who asks for no more', async () => {
    const url = await http((_request, response) => {
      response.on('error', () => undefined)
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(100_000, 'x')));
      }
      response.on('drain', more)
      more()
    })
    const { status, body } = await connector().request({ url, maxBytes: 70_000, cutOff: true })
    expect([status, body.toString()]).toEqual([200, 'x'.repeat(70_000)])
    const whole = await http((_request, response) => response.end('short'))
    const short = await connector().request({ url: whole, maxBytes: 5, cutOff: true })
    expect(short.body.toString()).toBe('short')
  })

  it('refuses headers without end', async () => {
    const url = await http((_request, response) => response.writeHead(200, { long: 'x'.repeat(40_000) }).end())
    await expect(connector().request({ url })).rejects.toMatchObject({ code: 'too_large' })
  })

  it.each(['text/html', 'text/plain'])('says that %s is no JSON', async (type) => {
    const url = await http((_request, response) => response.writeHead(502, { 'content-type': type }).end('{}'))
    await expect(connector().json({ url })).rejects.toMatchObject({ code: 'not_json', details: { httpStatus: 502 } })
  })

  it('says that broken JSON is no JSON', async () => {
    const url = await http((_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{'),
    )
    await expect(connector().json({ url })).rejects.toMatchObject({ code: 'not_json' })
  })

  it('keeps the deadline when the peer says nothing, or stops in the middle of the body', async () => {
    const { port } = await silentServer()
    const silent = { url: `http://127.0.0.1:${port}`, timeoutMs: 50 }
    await expect(connector().request(silent)).rejects.toMatchObject({ code: 'timeout' })
    const url = await http((_request, response) => response.writeHead(200, { 'content-length': '100' }).write('half'))
    await expect(connector().request({ url, timeoutMs: 200 })).rejects.toMatchObject({ code: 'timeout' })
  })

  it('stops when the caller gives up', async () => {
    const { port } = await silentServer()
    const given = new AbortController()
    const answer = connector().request({ url: `http://127.0.0.1:${port}`, signal: given.signal })
    given.abort()
    await expect(answer).rejects.toMatchObject({ code: 'aborted' })
  })

  it('tells a closed port and a peer that speaks no HTTP apart', async () => {
    const { port } = await silentServer()
    const free = port === 65_535 ? port - 1 : port + 1
    const garbage = await listen(createTcpServer((socket) => socket.once('data', () => socket.end('hello?\r\n'))))
    const answer = connector().request({ url: `http://127.0.0.1:${garbage}` })
    await expect(answer).rejects.toMatchObject({ code: 'protocol' })
    const refused = connector().request({ url: `http://127.0.0.1:${free}` })
    await expect(refused).rejects.toMatchObject({ code: 'unreachable' })
  })

  it('is not slowed by a host that hangs', async () => {
    const { port } = await silentServer()
    const url = await http((_request, response) => response.end('fine'))
    const shared = connector({ connectionsPerHost: 2 })
    const hanging = Array.from({ length: 10 }, () =>
      shared.request({ url: `http://127.0.0.1:${port}`, timeoutMs: 300 }).catch((error: unknown) => error),
    )
    await expect(shared.request({ url, timeoutMs: 250 })).resolves.toMatchObject({ status: 200 })
    for (const error of await Promise.all(hanging)) expect(error).toMatchObject({ code: 'timeout' })
  })

  it('opens no more connections to one host than allowed', async () => {
    const { port, sockets } = await silentServer()
    const shared = connector({ connectionsPerHost: 3 })
    const asked = Array.from({ length: 9 }, () =>
      shared.request({ url: `http://127.0.0.1:${port}`, timeoutMs: 150 }).catch(() => undefined),
    )
    await expect.poll(() => sockets.size).toBe(3)
    await Promise.all(asked)
  })

  it.each(['ftp://127.0.0.1/', 'nonsense', 'http://user:secret@127.0.0.1/'])('refuses the URL %s', async (url) => {
    await expect(connector().request({ url })).rejects.toMatchObject({ code: 'bad_url' })
    await expect(connector().request({ url })).rejects.not.toThrow(/secret/)
  })
})

describe('the guard in front of outbound connections', () => {
  it.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '169.254.169.254'])(
    'refuses the address %s without connecting',
    async (host) => {
      const guarded = connector({}, false)
      await expect(guarded.request({ url: `http://${host}/` })).rejects.toMatchObject({ code: 'address_refused' })
      const socket = guarded.webSocket({ url: `ws://${host}/`, onMessage: () => undefined })
      await expect(socket).rejects.toMatchObject({ code: 'address_refused' })
    },
  )

  it('refuses a name as soon as one of its addresses is forbidden', async () => {
    let asked = 0
    const url = new URL(await http((_request, response) => response.end(String(++asked))))
    url.hostname = 'printer.test'
    const guarded = connector({
      lookupAll: () =>
        Promise.resolve([
          { address: '127.0.0.1', family: 4 },
          { address: '169.254.169.254', family: 4 },
        ]),
    })
    await expect(guarded.request({ url: url.href })).rejects.toMatchObject({ code: 'address_refused' })
    const socket = guarded.webSocket({ url: url.href.replace('http', 'ws'), onMessage: () => undefined })
    await expect(socket).rejects.toMatchObject({ code: 'address_refused' })
    expect(asked).toBe(0)
  })

  it('connects to the checked address and keeps the name as Host', async () => {
    const url = new URL(await http((request, response) => response.end(request.headers.host)))
    url.hostname = 'printer.test'
    let lookups = 0
    const named = connector({
      lookupAll: () => Promise.resolve(lookups++ === 0 ? [{ address: '127.0.0.1', family: 4 }] : []),
    })
    const answer = await named.request({ url: url.href })
    expect(answer.body.toString()).toBe(url.host)
  })

  it('says so when a name cannot be resolved', async () => {
    const named = connector({ lookupAll: () => Promise.reject(new Error('ENOTFOUND')) })
    const answer = named.request({ url: 'http://printer.test/' })
    await expect(answer).rejects.toMatchObject({ code: 'unreachable', message: /printer\.test cannot be resolved/ })
  })

  it('keeps the deadline while a name server hangs', async () => {
    const named = connector({ lookupAll: () => new Promise(() => undefined) })
    const answer = named.request({ url: 'http://printer.test/', timeoutMs: 50 })
    await expect(answer).rejects.toMatchObject({ code: 'timeout' })
    const socket = named.webSocket({ url: 'ws://printer.test/', timeoutMs: 50, onMessage: () => undefined })
    await expect(socket).rejects.toMatchObject({ code: 'timeout' })
  })
})

describe('outbound uploads', () => {
  const content = Buffer.alloc(300_000, 'G1 X1\n')
  const file = (open: () => Readable) =>
    multipartBody({ path: 'a/b' }, { field: 'file', fileName: 'a "b".gcode', sizeBytes: content.byteLength, open })

  it('streams with a known length and reports progress', async () => {
    const url = await http((request, response) => {
      void bodyOf(request).then((body) => {
        const complete = body.includes(content) && body.includes('name="path"\r\n\r\na/b')
        response.end(JSON.stringify([request.headers['content-length'] === String(body.byteLength), complete]))
      })
    })
    const seen: number[] = []
    const body = file(() => Readable.from([content.subarray(0, 100_000), content.subarray(100_000)]))
    const answer = await connector().upload({ url, body, onProgress: (bytes) => seen.push(bytes) })
    expect(JSON.parse(answer.body.toString())).toEqual([true, true])
    expect(seen).toEqual([100_000, 300_000])
  })

  it('gives up when nothing moves, closes the source and leaves no connection', async () => {
    let open = 0
    const url = await http((request) => {
      open++
      request.socket.once('close', () => open--)
      request.resume().on('error', () => undefined)
    })
    const source = new Readable({ read: () => undefined })
    const body = file(() => source)
    await expect(connector().upload({ url, body, stallMs: 100 })).rejects.toMatchObject({ code: 'timeout' })
    expect(source.destroyed).toBe(true)
    await expect.poll(() => open).toBe(0)
  })

  it('stops when the caller gives up', async () => {
    const url = await http((request) => request.resume().on('error', () => undefined))
    const given = new AbortController()
    const source = new Readable({ read: () => undefined })
    source.push(Buffer.alloc(1000))
    const body = file(() => source)
    const sent = connector().upload({ url, body, signal: given.signal, onProgress: () => given.abort() })
    source.push(Buffer.alloc(1000))
    await expect(sent).rejects.toMatchObject({ code: 'aborted' })
    expect(source.destroyed).toBe(true)
  })

  it.each([
    ['shorter', () => Readable.from([content.subarray(1)])],
    ['longer', () => Readable.from([content, content])],
    ['unreadable', () => new Readable({ construct: (done) => done(new Error('disk')) })],
  ])('does not blame the peer for a source that is %s', async (_name, open) => {
    const url = await http((request, response) => {
      request
        .on('error', () => undefined)
        .resume()
        .on('end', () => response.end())
    })
    await expect(connector().upload({ url, body: file(open) })).rejects.toMatchObject({ code: 'source' })
  })

  it('hears an answer that comes before the end of the upload', async () => {
    const url = await http((_request, response) => response.writeHead(413, { connection: 'close' }).end('too much'))
    const big = multipartBody(
      {},
      { field: 'file', fileName: 'a', sizeBytes: 50_000_000, open: () => Readable.from(zeros(50)) },
    )
    const answer = await connector()
      .upload({ url, body: big })
      .catch((error: unknown) => error)
    // The peer may reset the connection before its answer was read.
    expect(answer).toSatisfy(
      (got: { status?: number; code?: string }) => got.status === 413 || got.code === 'unreachable',
    )
  })
})

function* zeros(megabytes: number): Generator<Buffer> {
  for (let sent = 0; sent < megabytes; sent++) yield Buffer.alloc(1_000_000)
}

describe('outbound WebSockets', () => {
  const webSocketServer = async (onConnection: (socket: WebSocket, request: IncomingMessage) => void) => {
    const server = createServer()
    const sockets = new WebSocketServer({ server })
    sockets.on('connection', onConnection)
    const port = await listen(server)
    cleanUps.push(() => {
      for (const socket of sockets.clients) socket.terminate()
      return undefined
    })
    return `ws://127.0.0.1:${port}/push`
  }

  it('sends no Origin, keeps the order of messages and says when the peer closes', async () => {
    const url = await webSocketServer((socket, request) => {
      socket.send(`origin ${request.headers.origin ?? 'none'}`)
      socket.on('message', (text: Buffer) => {
        socket.send(`echo ${text.toString()}`)
        socket.close()
      })
    })
    const messages: string[] = []
    const socket = await connector().webSocket({ url, onMessage: (text) => messages.push(text) })
    socket.send('hello')
    await expect(socket.closed).resolves.toMatchObject({ code: 'unreachable' })
    expect(messages).toEqual(['origin none', 'echo hello'])
  })

  it('ends without an error when we close it, or when the connector closes', async () => {
    const url = await webSocketServer(() => undefined)
    const shared = connector()
    const first = await shared.webSocket({ url, onMessage: () => undefined })
    const second = await shared.webSocket({ url, onMessage: () => undefined })
    first.close()
    await expect(first.closed).resolves.toBeNull()
    await shared.close()
    await expect(second.closed).resolves.toBeNull()
  })

  it('ends at a message that is too large', async () => {
    const url = await webSocketServer((socket) => socket.send('x'.repeat(2_000_000)))
    const socket = await connector().webSocket({ url, onMessage: () => undefined })
    await expect(socket.closed).resolves.toMatchObject({ code: 'too_large' })
  })

  it('notices a peer that no longer answers pings', async () => {
    const url = await webSocketServer((socket) => socket.pause())
    const socket = await connector().webSocket({
      url,
      pingIntervalMs: 20,
      pongTimeoutMs: 60,
      onMessage: () => undefined,
    })
    await expect(socket.closed).resolves.toMatchObject({ code: 'timeout' })
  })

  it('tells the status of a refused handshake, and gives up on a silent one', async () => {
    const url = (await http((_request, response) => response.writeHead(403).end())).replace('http', 'ws')
    const refused = connector().webSocket({ url, onMessage: () => undefined })
    await expect(refused).rejects.toMatchObject({ code: 'protocol', details: { httpStatus: 403 } })
    const { port } = await silentServer()
    const silent = connector().webSocket({ url: `ws://127.0.0.1:${port}`, timeoutMs: 50, onMessage: () => undefined })
    await expect(silent).rejects.toMatchObject({ code: 'timeout' })
  })
})
