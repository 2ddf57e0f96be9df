import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'

import { DriverError } from '../modules/printers/printer-driver.port.js'
import { createConnector, type Connector } from '../net/connector.js'
import { hostileJson, mutatedBytes, mutatedJson } from '../testing/hostile-input.js'
import { RpcError } from './moonraker/rpc-error.js'
import { RpcSocket } from './moonraker/socket.js'
import type { OctoPrintClient } from './octoprint/client.js'
import { OctoPrintSocket } from './octoprint/socket.js'

/** Connections, of which each gets up to twenty frames: fewer than parsers alone get values. */
const RUNS = { seed: 20_261_127, numRuns: 60 } as const

const RPC = [
  { jsonrpc: '2.0', id: 1, result: { state: 'ready' } },
  { jsonrpc: '2.0', id: 1, error: { code: 400, message: 'no' } },
  { jsonrpc: '2.0', method: 'notify_status_update', params: [{ print_stats: { state: 'printing' } }, 1.5] },
]
const STATUS = { state: { text: 'Operational', error: '', flags: { operational: true } }, temps: [] }
const FRAMES = [
  { current: STATUS },
  { event: { type: 'PrintDone', payload: { path: 'a.gcode' } } },
  { reauthRequired: {} },
]
const DEEP = ['['.repeat(50_000), `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`]

/** Texts as they come off the wire: JSON of anything, real frames that were changed or torn, and no JSON at all. */
const textsLike = (examples: readonly unknown[]) =>
  fc.array(
    fc.oneof(
      hostileJson.map((value) => JSON.stringify(value)),
      mutatedJson(...examples).map((value) => JSON.stringify(value)),
      mutatedBytes(...examples.map((each) => Buffer.from(JSON.stringify(each)))).map((bytes) => bytes.toString('utf8')),
      fc.string({ unit: 'binary', maxLength: 50 }),
      fc.constantFrom('', ...DEEP),
    ),
    { maxLength: 20 },
  )

const host = new WebSocketServer({ port: 0, host: '127.0.0.1' })
let connector: Connector
let url: string

beforeAll(async () => {
  if (host.address() === null) await once(host, 'listening')
  url = `ws://127.0.0.1:${(host.address() as AddressInfo).port}/`
  connector = createConnector({ allowLoopback: true })
})
afterAll(async () => {
  await connector.close()
  await new Promise((resolve) => host.close(resolve))
})

/** What the host does with the next connection. */
const accepting = (serve: (socket: WebSocket) => void) => host.once('connection', serve)
const messagesOf = (socket: WebSocket, told: (message: Record<string, unknown>) => void) =>
  socket.on('message', (data: Buffer) => told(JSON.parse(data.toString('utf8')) as Record<string, unknown>))

describe('frames of a host that are torn, changed or made up', () => {
  it('settle a call of Moonraker as one that was answered, refused or answered oddly, and the next one is heard', async () => {
    const check = fc.asyncProperty(textsLike(RPC), async (texts) => {
      accepting((socket) =>
        messagesOf(socket, ({ id, method }) => {
          if (method === 'first') texts.forEach((text) => socket.send(text))
          socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: { method } }))
        }),
      )
      const methods: unknown[] = []
      const { signal } = new AbortController()
      const rpc = await RpcSocket.open(connector, {
        ...{ url, apiKey: null, signal, livenessMs: 20_000, answerTimeoutMs: 10_000 },
        onNotification: (method) => methods.push(method),
      })
      const call = (method: string) => rpc.call(method, {}, z.object({ method: z.string() }), { signal })
      try {
        const first = await call('first').catch((error: unknown) => error)
        const isRefused = first instanceof RpcError || (first instanceof DriverError && first.code === 'protocol')
        expect(isRefused || typeof (first as { method: unknown }).method === 'string').toBe(true)
        // A frame may by chance answer it as well, but with a number that it has not got yet it cannot.
        expect(await call('second')).toEqual({ method: 'second' })
        expect(methods.every((method) => typeof method === 'string')).toBe(true)
      } finally {
        rpc.close()
        await rpc.closed
      }
    })
    await fc.assert(check, RUNS)
  }, 60_000)

  it('leave the channel of OctoPrint open for the next one, or end it for sessions that are never kept', async () => {
    const check = fc.asyncProperty(textsLike(FRAMES), async (texts) => {
      accepting((socket) =>
        messagesOf(socket, ({ throttle }) => {
          if (throttle === undefined) return
          socket.send(JSON.stringify({ history: STATUS }))
          texts.forEach((text) => socket.send(text))
          socket.send(JSON.stringify({ event: { type: 'TheLast', payload: null } }))
        }),
      )
      let last: () => void = () => undefined
      const lastCame = new Promise<'the last'>((resolve) => (last = () => resolve('the last')))
      const client = { socketUrl: url, login: () => Promise.resolve({ name: 'ada', session: 's', groups: [] }) }
      const handlers = {
        onStatus: (status: unknown) => expect(status).toHaveProperty('state.flags.operational'),
        onEvent: ({ type }: { type: string }) => (type === 'TheLast' ? last() : undefined),
      }
      const { signal } = new AbortController()
      const channel = new OctoPrintSocket(connector, client as unknown as OctoPrintClient, handlers, {}, signal)
      try {
        await channel.open()
        const end = await Promise.race([lastCame, channel.closed])
        expect(end === 'the last' || end?.code === 'auth').toBe(true)
      } finally {
        channel.close()
        await channel.closed
      }
    })
    await fc.assert(check, RUNS)
  }, 60_000)
})
