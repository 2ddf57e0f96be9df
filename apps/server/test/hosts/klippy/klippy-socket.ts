import type { Socket } from 'node:net'

import { selectStatus, statusDelta, type ObjectSelection, type PrinterObjects, type Status } from './printer-objects.js'

export interface KlippyRequest {
  id: number | null
  method: string
  params: Record<string, unknown>
}

const END_OF_FRAME = '\x03'

/** One client of the Klippy socket: JSON objects, each ended by byte 3, and at most one subscription. */
export class KlippySocket {
  readonly #socket: Socket
  #subscription: ObjectSelection | null = null
  #template: Record<string, unknown> = {}
  #outputTemplate: Record<string, unknown> | null = null
  #last: Status = {}

  constructor(socket: Socket, onRequest: (request: KlippyRequest) => void) {
    this.#socket = socket
    let pending = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      const frames = (pending + chunk).split(END_OF_FRAME)
      pending = frames.pop() ?? ''
      for (const frame of frames) onRequest(parseRequest(frame))
    })
    socket.on('error', () => socket.destroy())
  }

  send(message: Record<string, unknown>): void {
    if (!this.#socket.destroyed) this.#socket.write(JSON.stringify(message) + END_OF_FRAME)
  }

  subscribe(objects: PrinterObjects, selection: ObjectSelection, template: Record<string, unknown>): Status {
    this.#subscription = selection
    this.#template = template
    this.#last = selectStatus(objects, selection)
    return this.#last
  }

  subscribeOutput(template: Record<string, unknown>): void {
    this.#outputTemplate = template
  }

  pushOutput(line: string): void {
    if (this.#outputTemplate !== null) this.send({ ...this.#outputTemplate, params: { response: line } })
  }

  pushChanges(objects: PrinterObjects, eventtime: number): void {
    if (this.#subscription === null) return
    const current = selectStatus(objects, this.#subscription)
    const status = statusDelta(this.#last, current)
    this.#last = current
    if (Object.keys(status).length > 0) this.send({ ...this.#template, params: { eventtime, status } })
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function parseRequest(frame: string): KlippyRequest {
  const { id, method, params } = JSON.parse(frame) as Partial<KlippyRequest>
  return { id: id ?? null, method: method ?? '', params: params ?? {} }
}
