import { connect } from 'node:net'

import { createTRPCClient, httpSubscriptionLink, TRPCClientError, type TRPCLink } from '@trpc/client'
import { EventSource } from 'eventsource'
import superjson from 'superjson'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { liveStream, streamOf } from '../trpc/live-stream.js'
import { LiveStreams } from '../trpc/live-streams.js'
import { sessionProcedure } from '../trpc/procedures.js'
import {
  ProbeAuthenticator,
  startProbeServer,
  type ProbeRouter,
  type ProbeServer,
} from '../testing/http-test-server.js'

const open: ProbeServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

const start = async (options: { recheckMs?: number; maxPerActor?: number } = {}) => {
  const authenticator = new ProbeAuthenticator()
  const server = await startProbeServer({ authenticator, liveStreams: new LiveStreams({ authenticator, ...options }) })
  open.push(server)
  return { ...server, authenticator }
}

const links = (url: string, role: string): TRPCLink<ProbeRouter>[] => [
  httpSubscriptionLink({
    url: `${url}/trpc`,
    EventSource,
    transformer: superjson,
    eventSourceOptions: () => ({
      fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, Authorization: `Bearer ${role}` } }),
    }),
  }),
]

const watch = (url: string, role = 'viewer', input: { until: number; lastEventId?: string } = { until: 2 }) => {
  const seen: string[] = []
  const states: (string | undefined)[] = []
  let stop = () => undefined as unknown
  const failed = new Promise<unknown>((resolve) => {
    const subscription = createTRPCClient<ProbeRouter>({ links: links(url, role) }).ticks.subscribe(input, {
      onData: ({ id, data }) => void seen.push(`${id}=${data.n}`),
      onConnectionStateChange: (state) => void states.push(codeOf(state.error)),
      onError: resolve,
    })
    stop = () => subscription.unsubscribe()
  })
  return { seen, states, failed, stop: () => stop() }
}

const scraped = async (url: string): Promise<string> =>
  (await fetch(`${url}/metrics`, { headers: { Authorization: 'Bearer admin' } })).text()

const codeOf = (error: unknown): string | undefined =>
  error instanceof TRPCClientError ? (error as TRPCClientError<ProbeRouter>).data?.code : undefined

describe('a live stream', () => {
  it('carries values with cursors and begins behind the cursor that the client tells', async () => {
    const { url } = await start()
    const first = watch(url, 'viewer', { until: 2 })
    await expect.poll(() => first.seen).toEqual(['1=1', '2=2'])
    const later = watch(url, 'viewer', { until: 4, lastEventId: '2' })
    await expect.poll(() => later.seen).toEqual(['3=3', '4=4'])
    first.stop()
    later.stop()
  })

  it('tells browsers when to come back, and is never cached', async () => {
    const { url } = await start()
    const leave = new AbortController()
    const response = await fetch(`${url}/trpc/ticks?input=${encodeURIComponent('{"json":{"until":1}}')}`, {
      headers: { Authorization: 'Bearer viewer', 'Last-Event-ID': '0' },
      signal: leave.signal,
    })
    const reader = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toMatch(/^retry: \d{4}\n\n/)
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    leave.abort()
  })

  it('ends with SESSION_ENDED when its actor may no longer see it', async () => {
    const { url, authenticator } = await start({ recheckMs: 20 })
    const { failed, seen } = watch(url)
    await expect.poll(() => seen.length).toBe(2)
    authenticator.revoked.add('usr_viewer')
    expect(codeOf(await failed)).toBe('SESSION_ENDED')
  })

  it('tells wrong credentials as an event, since an EventSource shows nothing else', async () => {
    const { url } = await start()
    expect(codeOf(await watch(url, 'nobody').failed)).toBe('UNAUTHENTICATED')
  })

  it('is refused when its actor has too many of them, and may come again when one is closed', async () => {
    const { url } = await start({ maxPerActor: 1 })
    const first = watch(url)
    await expect.poll(() => first.seen.length).toBe(2)
    expect(codeOf(await watch(url).failed)).toBe('RATE_LIMITED')
    first.stop()
    const again = watch(url, 'viewer', { until: 1 })
    const tried = async () => {
      if (again.seen.length > 0) return true
      const next = watch(url, 'viewer', { until: 1 })
      const outcome = await Promise.race([next.failed, expect.poll(() => next.seen.length).toBe(1)])
      next.stop()
      return outcome === undefined
    }
    await expect.poll(tried).toBe(true)
    again.stop()
  })

  it('that nobody reads is given up, with no more made for it than its connection holds', async () => {
    let made = 0
    const flood = router({
      flood: sessionProcedure.output(streamOf(z.string())).subscription(({ ctx }) =>
        // eslint-disable-next-line @typescript-eslint/require-await -- the stream waits for its reader alone
        liveStream(ctx, async function* () {
          for (;;) {
            made += 1
            yield 'x'.repeat(1_000)
          }
        }),
      ),
    })
    const server = await startProbeServer({ router: flood, timeouts: { answerStallMs: 200 } })
    open.push(server)
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.pause()
    socket.write('GET /trpc/flood HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer viewer\r\n\r\n')
    await expect.poll(() => server.lines.some(({ status }) => status === 499)).toBe(true)
    socket.destroy()
    expect(made).toBeGreaterThan(10)
    // What the kernel takes of a loopback connection, at most.
    expect(made).toBeLessThan(20_000)
  })

  it('is measured until it begins, however long it is watched', async () => {
    const { url } = await start()
    const { seen, stop } = watch(url)
    await expect.poll(() => seen.length).toBe(2)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    stop()
    const count = /http_request_duration_seconds_count\{method="GET",route="\/trpc\/\*",status="(\d+)"\} 1/
    await expect.poll(async () => count.exec(await scraped(url))?.[1]).toBe('200')
    const sum = /http_request_duration_seconds_sum\{method="GET",route="\/trpc\/\*",status="200"\} (\S+)/
    expect(Number(sum.exec(await scraped(url))?.[1])).toBeLessThan(1.5)
  })

  it('is told when the server stops, as something that passes', async () => {
    const { url, stop } = await start()
    const { seen, states, stop: unsubscribe } = watch(url)
    await expect.poll(() => seen.length).toBe(2)
    const began = performance.now()
    await stop()
    expect(performance.now() - began).toBeLessThan(5_000)
    await expect.poll(() => states).toContain('UNAVAILABLE')
    unsubscribe()
  })
})
