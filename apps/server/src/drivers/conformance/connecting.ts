import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { inspect } from 'node:util'

import { describe, expect, it, onTestFinished } from 'vitest'

import type { DriverError } from '../../modules/printers/printer-driver.port.js'
import { type Bench, noAbort } from './bench.js'

const listening = async (server: Server): Promise<string> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const answering = (type: string, body: string) =>
  listening(createHttpServer((_request, response) => response.writeHead(200, { 'content-type': type }).end(body)))

const closedPort = async (): Promise<string> => {
  const server = createTcpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

export const describeConnecting = (bench: Bench): void => {
  const failure = async (url: string, apiKey = bench.host.target.apiKey, signal = noAbort()): Promise<DriverError> => {
    const attempt = bench.host.driver.connect({ url, apiKey }, { signal, onEvent: () => undefined })
    return await attempt.then(
      () => expect.fail('it connected'),
      (error: unknown) => error as DriverError,
    )
  }

  describe('connecting', () => {
    it('tells the product and has reported in full before it resolves', async () => {
      const { connection, told } = await bench.connect()
      expect(connection.identity.product).toMatch(/\d/)
      const [first] = told.reports
      expect(first).toMatchObject({ printerConnected: true, attention: null })
      expect(['idle', 'finished']).toContain(first?.state)
      const { tool, bed } = bench.host.heaters
      expect(first?.heaters).toContainEqual(expect.objectContaining({ heater: tool, kind: 'tool' }))
      if (bed !== null) expect(first?.heaters).toContainEqual(expect.objectContaining({ heater: bed, kind: 'bed' }))
    })

    it.skipIf(bench.skips('demandKey'))('says that a key is wrong, and does not repeat it', async () => {
      const wrongKey = bench.host.wrongKey ?? expect.fail('the harness names no wrong key')
      const error = await failure(bench.target.url, wrongKey)
      expect(error).toMatchObject({ name: 'DriverError', code: 'auth' })
      expect(inspect(error, { depth: 20 })).not.toContain(wrongKey)
    })

    it.each([
      ['a page', 'text/html', '<html><title>Welcome</title></html>'],
      ['another API', 'application/json', '{"hello":"world"}'],
      ['a list', 'application/json', '[]'],
      ['broken JSON', 'application/json', '{"'],
      ['null', 'application/json', 'null'],
    ])('does not take %s for its product', async (_name, type, body) => {
      expect(await failure(await answering(type, body))).toMatchObject({ code: 'not_recognised' })
    })

    it('says that nobody is there', async () => {
      expect(await failure(await closedPort())).toMatchObject({ name: 'DriverError', code: 'unreachable' })
    })

    it('gives up within its deadline when the host accepts and says nothing', async () => {
      const error = await failure(await listening(createTcpServer()))
      expect(['timeout', 'unreachable']).toContain(error.code)
    })

    it('gives up at once when it is told to', async () => {
      const given = new AbortController()
      const server = createTcpServer(() => given.abort())
      expect(await failure(await listening(server), null, given.signal)).toMatchObject({ code: 'aborted' })
    })

    it('ends without an error when closed, as often as wanted', async () => {
      const { connection } = await bench.connect()
      await connection.close()
      await connection.close()
      expect(await connection.closed).toBeNull()
    })

    it('ends without an error when the signal that it was made with fires', async () => {
      const given = new AbortController()
      const options = { signal: given.signal, onEvent: () => undefined }
      const connection = await bench.host.driver.connect(bench.target, options)
      given.abort()
      expect(await connection.closed).toBeNull()
    })

    it('proves that its key may upload, delete and print, and leaves no file behind', async () => {
      const { connection } = await bench.connect()
      const probe = await connection.probePermissions(noAbort())
      expect(probe).toEqual({ upload: true, delete: true, print: true, detail: null })
      const files = await connection.listFiles(1000, noAbort())
      expect(files.filter(({ remotePath }) => remotePath.includes('probe'))).toEqual([])
    })
  })
}
