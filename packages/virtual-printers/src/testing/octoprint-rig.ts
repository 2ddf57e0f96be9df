import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { createMachine } from '../machine/create-machine.js'
import { ScaledClock } from '../machine/clock.js'
import { TimerWheel } from '../machine/timer-wheel.js'
import { createOctoPrintHost, type OctoPrintOptions } from '../octoprint/octoprint-host.js'

/** One machine behind an OctoPrint on a real socket, and a client that has the key. */
export async function octoPrintRig(options: Partial<OctoPrintOptions> & { speed?: number } = {}) {
  const clock = new ScaledClock(options.speed ?? 100)
  const scheduler = new TimerWheel()
  const machine = createMachine({ name: 'o1' }, clock, scheduler)
  const dataDir = join(tmpdir(), `virtual-octoprint-${randomUUID()}`)
  const host = await createOctoPrintHost(machine, { clock, scheduler, dataDir, reportIntervalMs: 50, ...options })

  const request = async (method: string, path: string, body?: unknown, key: string | null = host.apiKey) => {
    const response = await fetch(host.url + path, {
      method,
      headers: {
        ...(key === null ? {} : { 'x-api-key': key }),
        ...(body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : body instanceof FormData ? body : JSON.stringify(body),
    })
    const text = await response.text()
    const json: unknown = text.startsWith('{') ? JSON.parse(text) : { text }
    return { status: response.status, body: json, headers: response.headers }
  }
  const upload = (name: string, content: string, fields: Record<string, string> = {}) => {
    const form = new FormData()
    for (const [field, value] of Object.entries(fields)) form.set(field, value)
    form.set('file', new Blob([content]), name)
    return request('POST', '/api/files/local', form)
  }
  const stop = async () => {
    machine.stop()
    await host.stop()
  }
  return { clock, machine, host, dataDir, request, upload, stop, [Symbol.asyncDispose]: stop }
}

/** A push socket that keeps every frame and can wait for one. */
export async function pushSocket(url: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/sockjs/websocket`)
  const frames: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  socket.on('message', (data: Buffer) => {
    frames.push(JSON.parse(data.toString()) as Record<string, unknown>)
    for (const look of waiting) look()
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const waitFor = (match: (frame: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> =>
    new Promise((resolve) => {
      const look = () => {
        const found = frames.find(match)
        if (!found) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
    })
  const events = () =>
    frames
      .filter((frame) => 'event' in frame)
      .map((frame) => frame['event'] as { type: string; payload: Record<string, unknown> })
  const waitForEvent = (type: string) =>
    waitFor((frame) => (frame['event'] as { type?: string } | undefined)?.type === type)
  return {
    socket,
    frames,
    waitFor,
    waitForEvent,
    events,
    send: (message: object) => socket.send(JSON.stringify(message)),
  }
}
