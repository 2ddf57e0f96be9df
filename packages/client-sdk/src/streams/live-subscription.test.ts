import { describe, expect, it, vi } from 'vitest'

import { GantryApiError } from '../errors/gantry-api-error.js'
import type { StreamCallbacks } from '../transport/transport.js'
import { iterate } from './iterate.js'
import { LiveSubscription, type StreamPorts } from './live-subscription.js'
import type { StreamEnd } from './stream.types.js'

/** A server that accepts every connection and says what the test says. */
const bench = () => {
  const connections: (StreamCallbacks & { input: unknown; closed: boolean })[] = []
  const ports: StreamPorts = {
    session: { token: () => Promise.resolve('token'), renew: () => Promise.resolve('other') },
    transport: {
      subscribe: (_path, input, callbacks) => {
        const connection = { ...callbacks, input, closed: false }
        connections.push(connection)
        return () => void (connection.closed = true)
      },
    },
    reconnect: { delayMs: 1, maxDelayMs: 2 },
    random: () => 0,
  }
  const request = { path: 'printJobs.onChange', input: { of: 'x' }, resumable: true }
  const connected = (count: number) => vi.waitFor(() => expect(connections).toHaveLength(count))
  return { connections, ports, request, connected }
}

const error = (code: 'INTERNAL' | 'FORBIDDEN' | 'UNAUTHENTICATED' | 'UNAVAILABLE') =>
  new GantryApiError({ code, message: code, retryable: code === 'UNAVAILABLE' })

describe('a subscription', () => {
  it('lets go of the connection while its reader falls behind, and goes on after the last event it took', async () => {
    const { connections, ports, request, connected } = bench()
    const events = iterate((handlers) => new LiveSubscription(ports, request, handlers))
    const first = events.next()
    await connected(1)
    for (let id = 1; id <= 1_000; id += 1) connections[0]?.onData({ id: String(id), data: id })
    expect(connections[0]?.closed).toBe(true)
    const taken = [(await first).value]
    for (let count = 1; count < 1_000; count += 1) taken.push((await events.next()).value)
    const next = events.next()
    await connected(2)
    expect(connections[1]?.input).toEqual({ of: 'x', lastEventId: '1000' })
    connections[1]?.onData({ id: '1001', data: 1_001 })
    expect([taken.at(-1), (await next).value]).toEqual([1_000, 1_001])
    await events.return()
    expect(connections[1]?.closed).toBe(true)
  })

  it('ends when the server keeps failing for an unknown reason, or says that it never will', async () => {
    const { connections, ports, request, connected } = bench()
    const onEnd = vi.fn<(end: StreamEnd) => void>()
    new LiveSubscription(ports, request, { onData: () => undefined, onEnd })
    for (let round = 1; round <= 6; round += 1) {
      await connected(round)
      connections[round - 1]?.onOver(error('INTERNAL'))
    }
    expect(onEnd).toHaveBeenCalledExactlyOnceWith({ type: 'failed', error: error('INTERNAL') })
    new LiveSubscription(ports, request, { onData: () => undefined, onEnd })
    await connected(7)
    connections[6]?.onOver(error('FORBIDDEN'))
    expect(onEnd).toHaveBeenLastCalledWith({ type: 'failed', error: error('FORBIDDEN') })
  })

  it('ends when another token is refused too', async () => {
    const { connections, ports, request, connected } = bench()
    const onEnd = vi.fn<(end: StreamEnd) => void>()
    new LiveSubscription(ports, request, { onData: () => undefined, onEnd })
    await connected(1)
    connections[0]?.onOver(error('UNAUTHENTICATED'))
    await connected(2)
    connections[1]?.onOver(error('UNAUTHENTICATED'))
    await vi.waitFor(() => expect(onEnd).toHaveBeenCalledOnce())
  })

  it('hears nothing any more once it is stopped', async () => {
    const { connections, ports, request, connected } = bench()
    const [onData, onEnd] = [vi.fn(), vi.fn<(end: StreamEnd) => void>()]
    const stream = new LiveSubscription(ports, request, { onData, onEnd })
    await connected(1)
    stream.stop()
    stream.stop()
    connections[0]?.onOver(error('UNAVAILABLE'))
    expect([connections[0]?.closed, onEnd.mock.calls]).toEqual([true, [[{ type: 'stopped' }]]])
    expect(connections).toHaveLength(1)
  })
})
