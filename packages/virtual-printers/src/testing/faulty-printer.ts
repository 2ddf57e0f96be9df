import { WebSocket } from 'ws'
import { createFleet, type Fleet, type FleetOptions, type FleetPrinter } from '../fleet/fleet.js'
import type { HostKind } from '../host.js'

/** 1,000 s of machine time. */
export const LONG = `M104 S200\n;LAYER_CHANGE\n${'G4 S1\n'.repeat(1000)}`

/** What came of a call: its status, or `lost` when the connection was dropped without an answer. */
export type Result = { readonly status: number; readonly body: unknown } | 'lost'

/** One printer of a kind in a fleet of its own, and a client that speaks its protocol over real sockets. */
export class FaultyPrinter implements AsyncDisposable {
  readonly printer: FleetPrinter

  private constructor(readonly fleet: Fleet) {
    this.printer = fleet.printers[0]!
  }

  static async create(kind: HostKind, options: FleetOptions = {}): Promise<FaultyPrinter> {
    return new FaultyPrinter(await createFleet({ [kind]: 1, ...options }))
  }

  get #octoprint(): boolean {
    return this.printer.kind === 'octoprint'
  }

  upload(name: string, content = LONG): Promise<Result> {
    const body = new FormData()
    body.set('file', new Blob([content]), name)
    return this.#call('POST', this.#octoprint ? '/api/files/local' : '/server/files/upload', body)
  }

  start(name: string): Promise<Result> {
    if (this.#octoprint) return this.#call('POST', `/api/files/local/${name}`, { command: 'select', print: true })
    return this.#call('POST', `/printer/print/start?filename=${name}`)
  }

  delete(name: string): Promise<Result> {
    return this.#call('DELETE', this.#octoprint ? `/api/files/local/${name}` : `/server/files/gcodes/${name}`)
  }

  cancel(): Promise<Result> {
    if (this.#octoprint) return this.#call('POST', '/api/job', { command: 'cancel' })
    return this.#call('POST', '/printer/print/cancel')
  }

  read(): Promise<Result> {
    return this.#call('GET', this.#octoprint ? '/api/job' : '/printer/objects/query?print_stats')
  }

  /** What the host says of its print: its own word for the state. */
  async state(): Promise<string> {
    const answer = await this.read()
    if (answer === 'lost') throw new Error('the host gave no answer')
    const { body } = answer as { body: { state: string; result: { status: { print_stats: { state: string } } } } }
    return this.#octoprint ? body.state : body.result.status.print_stats.state
  }

  /** Names of the files on the host. */
  async files(): Promise<string[]> {
    const answer = await this.#call('GET', this.#octoprint ? '/api/files/local' : '/server/files/list')
    if (answer === 'lost') throw new Error('the host gave no answer')
    const { body } = answer as { body: { files: { name: string }[]; result: { path: string }[] } }
    return this.#octoprint ? body.files.map(({ name }) => name) : body.result.map(({ path }) => path)
  }

  get starts(): number {
    return this.printer.machine.counts.starts
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet.stop()
  }

  async #call(method: string, path: string, body?: FormData | object): Promise<Result> {
    const { url, apiKey } = this.printer
    const headers = { 'x-api-key': apiKey, connection: 'close', 'content-type': 'application/json' }
    try {
      const response = await fetch(url + path, {
        method,
        headers: body instanceof FormData ? { 'x-api-key': apiKey } : headers,
        body: body === undefined || body instanceof FormData ? (body ?? null) : JSON.stringify(body),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) }
    } catch {
      return 'lost'
    }
  }
}

/** One JSON-RPC call on a socket of its own. */
export async function rpc(url: string, method: string, params: object): Promise<unknown> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/websocket`)
  try {
    return await new Promise((resolve) => {
      socket.on('open', () => socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })))
      socket.on('close', () => resolve('lost'))
      socket.on('error', () => resolve('lost'))
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as { id?: number }
        if (message.id === 1) resolve(message)
      })
    })
  } finally {
    socket.terminate()
  }
}
