import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { VirtualHost } from '../host.js'
import { createMachine } from '../machine/create-machine.js'
import type { VirtualMachine } from '../machine/machine.types.js'
import { ManualTime } from '../machine/manual-time.js'
import { createMoonrakerHost, type MoonrakerHostOptions } from '../moonraker/moonraker-host.js'

const ANSWER_DEADLINE_MS = 5_000

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: readonly Json[]
  readonly result?: Json
  readonly error?: { readonly code: number; readonly message: string }
}

/** An answer whose shape the test itself asserts; these are the names by which tests step into it. */
export interface Json {
  readonly result: Json
  readonly error: Json
  readonly traceback: Json
  readonly status: Json
  readonly print_stats: Json
  readonly virtual_sdcard: Json
  readonly progress: Json
  readonly is_active: Json
  readonly job: Json
  readonly jobs: Json
  readonly job_totals: Json
  readonly filament_used: Json
  readonly dirs: Json
}

/** A client on a real WebSocket. */
export class RigClient {
  readonly notifications: Message[] = []
  readonly #waiting = new Map<number, (message: Message) => void>()
  readonly #listeners = new Set<() => void>()
  #lastId = 0

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as Message
      if (message.method) this.notifications.push(message)
      else this.#waiting.get(message.id ?? -1)?.(message)
      for (const listener of [...this.#listeners]) listener()
    })
  }

  static open(url: string, headers: Record<string, string> = {}): Promise<RigClient> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/websocket`, { headers })
    const client = new RigClient(socket)
    return new Promise((resolve, reject) => {
      socket.once('open', () => resolve(client))
      socket.once('error', reject)
    })
  }

  /** The whole reply, error or result. */
  async send(method: string, params?: object): Promise<Message> {
    const id = ++this.#lastId
    const reply = new Promise<Message>((resolve) => this.#waiting.set(id, resolve))
    this.socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    return within(reply, method)
  }

  async call(method: string, params?: object): Promise<Json> {
    const { result, error } = await this.send(method, params)
    if (error) throw new Error(`${method}: ${error.code} ${error.message}`)
    return result as Json
  }

  /** Takes the next notification of a name out of the queue, waiting for it when needed. */
  next(name: string): Promise<readonly Json[]> {
    return within(
      new Promise<readonly Json[]>((resolve) => {
        const look = (): void => {
          const index = this.notifications.findIndex((message) => message.method === name)
          if (index < 0) return
          this.#listeners.delete(look)
          resolve(this.notifications.splice(index, 1)[0]?.params ?? [])
        }
        this.#listeners.add(look)
        look()
      }),
      name,
    )
  }
}

/** One Moonraker host with its machine, on a clock that moves by hand. */
export class MoonrakerRig {
  readonly #clients: RigClient[] = []

  private constructor(
    readonly host: VirtualHost,
    readonly machine: VirtualMachine,
    readonly time: ManualTime,
  ) {}

  static async create(options: Partial<MoonrakerHostOptions> = {}): Promise<MoonrakerRig> {
    const time = new ManualTime()
    const machine = createMachine({ name: 'voron', cancelAbortsHeating: false }, time, time)
    const dataDir = join(tmpdir(), `gantry-moonraker-${randomUUID()}`)
    const host = await createMoonrakerHost(machine, { clock: time, scheduler: time, dataDir, ...options })
    return new MoonrakerRig(host, machine, time)
  }

  async connect(headers?: Record<string, string>): Promise<RigClient> {
    const client = await RigClient.open(this.host.url, headers)
    this.#clients.push(client)
    return client
  }

  async http(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; json: Json }> {
    const response = await fetch(this.host.url + path, init)
    const text = await response.text()
    return { status: response.status, headers: response.headers, json: JSON.parse(text || 'null') as Json }
  }

  upload(filename: string, content: string, fields: Record<string, string> = {}): ReturnType<MoonrakerRig['http']> {
    const body = new FormData()
    for (const [name, value] of Object.entries(fields)) body.set(name, value)
    body.set('file', new Blob([content]), filename)
    return this.http('/server/files/upload', { method: 'POST', body })
  }

  /** Moves time in steps until `work` settles, so that a reply may wait for the machine. */
  async during<T>(work: Promise<T>, stepMs = 100): Promise<T> {
    const progress = { isSettled: false }
    const settle = (): void => void (progress.isSettled = true)
    work.then(settle, settle)
    const deadline = performance.now() + ANSWER_DEADLINE_MS
    while (!progress.isSettled && performance.now() < deadline) {
      this.time.advance(stepMs)
      await setImmediate()
    }
    return work
  }

  async dispose(): Promise<void> {
    for (const { socket } of this.#clients) socket.terminate()
    await this.host.stop()
    this.machine.stop()
  }
}

/** A print that takes about `seconds` of machine time and extrudes 1 mm a second. */
export function gcodeFor(seconds: number): string {
  const moves = Array.from({ length: seconds }, (_, second) => `G1 X${second % 2 === 0 ? 10 : 0} E1 F600`)
  return [
    '; generated by PrusaSlicer 2.9.2 on 2026-01-01',
    'G28',
    'M83',
    ...moves,
    '; estimated printing time (normal mode) = 1m 40s',
    '; filament used [mm] = 100.5',
    '',
  ].join('\n')
}

function within<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No ${what} within ${ANSWER_DEADLINE_MS} ms`)), ANSWER_DEADLINE_MS)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
