import { memoryTokenStore, type PrintJobEvent, type StreamConnection, type StreamEnd } from '@gantry/client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { spoil, startSdkBench, type SdkBench } from './sdk-bench.js'

let bench: SdkBench
let fileId: string
beforeAll(async () => {
  bench = await startSdkBench()
  const gantry = await bench.loggedIn()
  fileId = (await gantry.files.upload(new Blob(['G28\nG1 X10 E1\n']), { name: 'stream.gcode' })).id
})
afterAll(() => bench[Symbol.asyncDispose]())
beforeEach(() => {
  bench.proxy.seen.length = 0
  bench.proxy.fault = () => 'pass'
})

type Client = Awaited<ReturnType<SdkBench['loggedIn']>>
const submit = (gantry: Client, name: string) => gantry.printJobs.submit({ source: { fileId, copies: 1, name } })

const watch = (gantry: Client) => {
  const events: PrintJobEvent[] = []
  const cursors: (string | null)[] = []
  const connections: StreamConnection[] = []
  const ends: StreamEnd[] = []
  const errors: string[] = []
  const stop = gantry.printJobs.onChange({
    onData: (event, cursor) => {
      events.push(event)
      cursors.push(cursor)
    },
    onConnection: (connection) => connections.push(connection),
    onError: (error) => errors.push(error.code),
    onEnd: (end) => ends.push(end),
  })
  const names = () => events.flatMap((event) => (event.type === 'changed' ? [event.job.name] : []))
  return { events, cursors, connections, ends, errors, stop, names }
}

describe('a stream', () => {
  it('goes on after every break without losing or repeating an event', async () => {
    const gantry = await bench.loggedIn()
    const seen = watch(gantry)
    await expect.poll(() => seen.events.length).toBe(1)
    expect(seen.events[0]).toMatchObject({ type: 'snapshot', resync: false })
    const ordered: string[] = []
    for (let round = 0; round < 4; round += 1) {
      bench.proxy.cut()
      for (const name of [`${round}a`, `${round}b`]) {
        ordered.push(name)
        await submit(gantry, name)
      }
      await expect.poll(seen.names, { timeout: 10_000 }).toEqual(ordered)
    }
    expect(seen.events.filter(({ type }) => type === 'snapshot')).toHaveLength(1)
    expect(new Set(seen.cursors).size).toBe(seen.cursors.length)
    expect(seen.connections.some(({ state }) => state === 'waiting')).toBe(true)
    seen.stop()
    expect(seen.ends).toEqual([{ type: 'stopped' }])
    await expect.poll(() => bench.proxy.open()).toBe(0)
  })

  it('begins after the cursor that it is given', async () => {
    const gantry = await bench.loggedIn()
    const first = watch(gantry)
    await expect.poll(() => first.events.length).toBe(1)
    await submit(gantry, 'before')
    await expect.poll(first.names).toContain('before')
    first.stop()
    await submit(gantry, 'between')
    const lastEventId = first.cursors.at(-1) ?? ''
    for await (const event of gantry.printJobs.onChange.iterate({ lastEventId })) {
      expect(event).toMatchObject({ type: 'changed', job: { name: 'between' } })
      break
    }
    await expect.poll(() => bench.proxy.open()).toBe(0)
  })

  it('gets a new token when the old is refused, and goes on', async () => {
    const tokenStore = memoryTokenStore()
    const gantry = await bench.loggedIn({ tokenStore })
    await spoil(tokenStore)
    const seen = watch(gantry)
    await expect.poll(() => seen.events.length).toBe(1)
    expect(bench.proxy.seen.map(({ path }) => path)).toEqual([
      '/trpc/printJobs.onChange',
      '/trpc/auth.refresh',
      '/trpc/printJobs.onChange',
    ])
    expect(bench.proxy.seen[2]?.authorization).toMatch(/^Bearer /)
    expect(bench.proxy.seen.every(({ query }) => !query.toString().includes('oken'))).toBe(true)
    seen.stop()
  })

  it('ends with SESSION_ENDED when the session is over', async () => {
    const tokenStore = memoryTokenStore()
    const gantry = await bench.loggedIn({ tokenStore })
    const seen = watch(gantry)
    await expect.poll(() => seen.events.length).toBe(1)
    await bench.app.prisma.session.updateMany({ data: { revokedAt: new Date() } })
    await spoil(tokenStore)
    bench.proxy.cut()
    await expect.poll(() => seen.ends.length, { timeout: 10_000 }).toBe(1)
    expect(seen.ends[0]).toMatchObject({ type: 'failed', error: { code: 'SESSION_ENDED' } })
    expect(seen.errors).toEqual(['SESSION_ENDED'])
    await expect(gantry.printJobs.onChange.iterate().next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('keeps trying while a proxy says that the server is away', async () => {
    const gantry = await bench.loggedIn()
    bench.proxy.fault = () => ({ status: 502, contentType: 'text/html', text: 'away' })
    const seen = watch(gantry)
    await expect.poll(() => bench.proxy.seen.length, { timeout: 5_000 }).toBeGreaterThan(2)
    bench.proxy.fault = () => 'pass'
    await expect.poll(() => seen.events.length, { timeout: 5_000 }).toBe(1)
    const waits = seen.connections.flatMap((connection) => (connection.state === 'waiting' ? [connection] : []))
    expect(waits[0]?.error).toMatchObject({ code: 'BAD_RESPONSE', status: 502 })
    seen.stop()
  })

  it('is an async iterable that its signal ends quietly', async () => {
    const gantry = await bench.loggedIn()
    const leave = new AbortController()
    const types: string[] = []
    for await (const event of gantry.printers.onStatus.iterate({ signal: leave.signal })) {
      types.push(event.type)
      leave.abort()
    }
    expect(types).toEqual(['snapshot'])
    await expect.poll(() => bench.proxy.open()).toBe(0)
  })
})
