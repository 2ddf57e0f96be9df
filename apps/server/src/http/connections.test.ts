import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'

import { startProbeServer, type ProbeServer } from '../testing/http-test-server.js'
import { router } from '../trpc/init.js'
import { publicProcedure } from '../trpc/procedures.js'

const open: ProbeServer[] = []
const sockets: Socket[] = []
const start = async (...args: Parameters<typeof startProbeServer>) => {
  const server = await startProbeServer(...args)
  open.push(server)
  return server
}
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

const connected = async (url: string): Promise<Socket> => {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' }).on('error', () => undefined)
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

/** More than the kernel keeps of a connection that nobody reads. */
const BIG_BYTES = 30_000_000
const big = router({
  big: publicProcedure
    .meta({ openapi: { method: 'GET', path: '/big' } })
    .output(z.string())
    .query(() => 'x'.repeat(BIG_BYTES)),
})

describe('a client that takes nothing of its answer', () => {
  /** The server has done with it, and most of the answer never came. */
  const expectCutOff = async ({ lines }: ProbeServer, socket: Socket) => {
    await expect.poll(() => lines.some(({ msg }) => msg === 'request')).toBe(true)
    let came = 0
    socket.on('data', (part: Buffer) => (came += part.length)).resume()
    if (!socket.closed) await once(socket, 'close')
    expect(came).toBeLessThan(BIG_BYTES)
  }

  it.each(['/api/big', '/trpc/big'])('is hung up on (%s)', async (path) => {
    const server = await start({ router: big, timeouts: { answerStallMs: 100 } })
    const socket = await connected(server.url)
    socket.pause().write(get(path))
    await expectCutOff(server, socket)
  })

  it('is hung up on although it goes on sending', async () => {
    const server = await start({ router: big, timeouts: { answerStallMs: 200 } })
    const socket = await connected(server.url)
    socket.pause().write(get('/api/big'))
    const drip = setInterval(() => socket.writable && socket.write('\r\n'), 20)
    await expectCutOff(server, socket).finally(() => clearInterval(drip))
  })

  it('is let be while there is nothing that it could take', async () => {
    const server = await start({ timeouts: { answerStallMs: 20 } })
    const socket = await connected(server.url)
    const answers = async () => {
      socket.write(get('/api/ping'))
      return String(await once(socket, 'data')).startsWith('HTTP/1.1 200')
    }
    expect(await answers()).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await answers()).toBe(true)
  })
})

describe('requests of one connection', () => {
  const gated = () => {
    let begun = 0
    const waiting: (() => void)[] = []
    const authenticator = {
      authenticate: () => {
        begun += 1
        return new Promise<null>((resolve) => waiting.push(() => resolve(null)))
      },
      stillValid: () => Promise.resolve(true),
    }
    return { authenticator, begun: () => begun, letOn: () => waiting.shift()?.() }
  }

  it('are begun one after the other, and answered in turn', async () => {
    const { authenticator, begun, letOn } = gated()
    const { url } = await start({ authenticator })
    const socket = await connected(url)
    let came = ''
    socket.setEncoding('utf8').on('data', (part: string) => (came += part))
    socket.write(['/api/ping', '/api/nothing', '/api/ping'].map(get).join(''))
    await expect.poll(begun).toBe(1)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect(begun()).toBe(1)
    letOn()
    await expect.poll(begun).toBe(2)
    letOn()
    await expect
      .poll(() => [...came.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status))
      .toEqual([...['200', '404', '200']])
  })

  it('that wait are few: a connection with more of them is ended', async () => {
    const { authenticator, begun } = gated()
    const { url } = await start({ authenticator })
    const socket = await connected(url)
    socket.resume().write(get('/api/ping').repeat(30))
    await once(socket, 'close')
    expect(begun()).toBe(1)
  })
})

describe('connections of one address', () => {
  /** The socket when it was answered, null when it was refused. */
  const answered = async (url: string) => {
    const socket = await connected(url)
    const answer = once(socket, 'data').then(() => socket)
    const closed = once(socket, 'close').then(() => null)
    socket.write(get('/healthz'))
    return Promise.race([answer, closed])
  }

  it('are refused beyond so many, and taken again when one has ended', async () => {
    const { url } = await start({ connectionsPerNetwork: 2 })
    const [first] = [await answered(url), await answered(url)]
    expect(first).not.toBeNull()
    expect(await answered(url)).toBeNull()
    first?.destroy()
    await expect.poll(() => answered(url)).not.toBeNull()
  })

  it('are not held by a client that sent no HTTP and stays', async () => {
    const { url } = await start({ connectionsPerNetwork: 1 })
    const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
    sockets.push(socket)
    socket.write('hello\r\n\r\n')
    await once(socket.resume(), 'end')
    await expect.poll(() => answered(url)).not.toBeNull()
  })
})
