import { WebSocket } from 'ws'

import type { VirtualPrinter } from './virtual-farm.js'

/** What a driver asks a Moonraker to report. */
const OBJECTS = {
  webhooks: null,
  print_stats: null,
  virtual_sdcard: ['progress', 'file_position'],
  display_status: null,
  extruder: ['temperature', 'target'],
  heater_bed: ['temperature', 'target'],
}

interface Frames {
  /** That tell the printer's state. */
  states: number
  /** That tell at least that the host lives: a Moonraker says nothing of a state that has not changed. */
  alive: number
}

/** One push socket to a printer, opened and subscribed as a driver does. */
export interface PrinterWatch {
  /** What came since the last time. */
  take(): Frames
  close(): void
}

const frameOf = (data: WebSocket.RawData): Record<string, unknown> =>
  JSON.parse((data as Buffer).toString('utf8')) as Record<string, unknown>

/** Resolves when the socket is open and the printer was asked to report. */
const open = async (url: string, onFrame: (frame: Record<string, unknown>) => void): Promise<WebSocket> => {
  const socket = new WebSocket(url.replace('http', 'ws'), { perMessageDeflate: false })
  socket.on('message', (data) => onFrame(frameOf(data)))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return socket
}

const watchOctoPrint = async ({ url, apiKey }: VirtualPrinter, frames: Frames): Promise<WebSocket> => {
  const response = await fetch(`${url}/api/login`, {
    method: 'POST',
    headers: { 'x-api-key': apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({ passive: true }),
  })
  const { name, session } = (await response.json()) as { name: string; session: string }
  const socket = await open(`${url}/sockjs/websocket`, (frame) => {
    if (!('current' in frame)) return
    frames.states += 1
    frames.alive += 1
  })
  socket.send(JSON.stringify({ subscribe: { state: { logs: false, messages: false }, events: true, plugins: false } }))
  socket.send(JSON.stringify({ auth: `${name}:${session}` }))
  return socket
}

const watchMoonraker = async ({ url, apiKey }: VirtualPrinter, frames: Frames): Promise<WebSocket> => {
  const socket = await open(`${url}/websocket`, ({ method }) => {
    if (method === 'notify_status_update') frames.states += 1
    if (method === 'notify_proc_stat_update') frames.alive += 1
  })
  const call = (id: number, method: string, params: object) =>
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
  const identity = { client_name: 'bench', version: '1', type: 'other', url: 'http://localhost' }
  call(1, 'server.connection.identify', { ...identity, api_key: apiKey })
  call(2, 'printer.objects.subscribe', { objects: OBJECTS })
  return socket
}

/** Watches one printer. @throws when it lets nobody in */
export const watchPrinter = async (printer: VirtualPrinter): Promise<PrinterWatch> => {
  const frames: Frames = { states: 0, alive: 0 }
  const socket = await (printer.kind === 'octoprint' ? watchOctoPrint : watchMoonraker)(printer, frames)
  return {
    take: () => {
      const taken = { ...frames }
      Object.assign(frames, { states: 0, alive: 0 })
      return taken
    },
    close: () => socket.terminate(),
  }
}
