import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { FileStore } from '../files/file-store.js'
import { HostFaults } from '../faults/host-faults.js'
import type { HostOptions, RestartOptions, VirtualHost } from '../host.js'
import { MachineError, type VirtualMachine } from '../machine/machine.types.js'
import { HostServer } from '../net/host-server.js'
import type { HostCall, HostGate, HostReply } from '../net/host-server.types.js'
import { BodyTooLargeError } from '../net/read-body.js'
import { Access, PERMISSIONS, type Permission } from './access.js'
import { ApiError } from './api-error.js'
import { octoPrintDialect } from './dialect.js'
import { FileRoutes } from './files.routes.js'
import { jobRoutes } from './job.routes.js'
import { OctoPrintInstance } from './octoprint-instance.js'
import { printerRoutes } from './printer.routes.js'
import { PushServer } from './push-server.js'
import { dispatch, type Route } from './router.js'
import { systemRoutes } from './system.routes.js'

export interface OctoPrintOptions extends HostOptions {
  /** What the API key may do. @default all */
  readonly permissions?: readonly Permission[]
}

/** Puts an OctoPrint 1.11 in front of a machine, listening on a real socket. @throws when the port is taken */
export async function createOctoPrintHost(machine: VirtualMachine, options: OctoPrintOptions): Promise<VirtualHost> {
  const host = new OctoPrintHost(machine, options)
  await host.goOnline()
  return host
}

class OctoPrintHost implements VirtualHost {
  readonly kind = 'octoprint'
  readonly apiKey: string
  readonly faults: HostFaults
  readonly #store: FileStore
  readonly #instance: OctoPrintInstance
  readonly #access: Access
  readonly #routes: readonly Route[]
  readonly #push: PushServer
  readonly #server: HostServer

  constructor(machine: VirtualMachine, options: OctoPrintOptions) {
    const { clock } = options
    this.apiKey = options.apiKey ?? randomBytes(16).toString('hex').toUpperCase()
    this.faults = new HostFaults(machine, octoPrintDialect, options.seed ?? randomBytes(16).toString('hex'))
    this.#store = new FileStore(options.dataDir, () => clock.wallMs())
    this.#instance = new OctoPrintInstance(machine, this.#store, clock)
    this.#access = new Access(this.apiKey, options.permissions ?? PERMISSIONS, () => clock.wallMs())
    this.#routes = [
      ...systemRoutes(this.#instance, this.#access),
      ...jobRoutes(this.#instance),
      ...printerRoutes(this.#instance),
      ...new FileRoutes(this.#instance).routes(),
    ]
    this.#push = new PushServer(this.#instance, this.#access, options.scheduler, options.reportIntervalMs ?? 500)
    this.#server = new HostServer({
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      handler: (call) => this.#handle(call),
      onUpgrade: (request, socket, head) => void this.#upgrade(request, socket, head),
      onError: errorReply,
      faults: this.faults,
    })
  }

  get url(): string {
    return this.#server.url
  }
  get online(): boolean {
    return this.#server.online
  }
  get gate(): HostGate | null {
    return this.#server.gate
  }
  set gate(gate: HostGate | null) {
    this.#server.gate = gate
  }

  goOnline(): Promise<void> {
    return this.#server.goOnline()
  }

  goOffline(): Promise<void> {
    return this.#server.goOffline()
  }

  async restart({ history = 'keep' }: RestartOptions = {}): Promise<void> {
    await this.#end('the host was restarted')
    if (history === 'lose') this.#instance.records.forgetAll()
    this.#instance.comeBack()
    await this.#server.goOnline()
  }

  async powerCycle(printing?: { readonly name: string; readonly content?: string | Uint8Array }): Promise<void> {
    await this.#end('the power failed')
    this.#instance.machine.restart()
    this.#instance.comeBack()
    try {
      if (printing) await this.startAtPanel(printing.name, printing.content)
    } finally {
      await this.#server.goOnline()
    }
  }

  async startAtPanel(name: string, content?: string | Uint8Array): Promise<void> {
    if (content !== undefined) await this.#store.commit(name, await this.#store.stage(content))
    const file = this.#store.get(name)
    if (!file) throw new ApiError(404, `${name} is not on this host`)
    if (this.#instance.hasActiveJob) throw new MachineError('busy', 'a print runs already')
    this.#instance.select(file, null)
    this.#instance.startSelected('panel')
  }

  async stop(): Promise<void> {
    this.faults.stop()
    await this.#server.goOffline()
    await this.#store.removeAll()
  }

  /** The process is gone, and what it had in hand. */
  async #end(reason: string): Promise<void> {
    await this.#server.goOffline()
    this.faults.forgetDelayed()
    this.#instance.shutDown(reason)
    this.#access.endSessions()
  }

  async #handle(call: HostCall): Promise<HostReply> {
    try {
      return await dispatch(this.#routes, this.#access, call)
    } catch (error) {
      if (error instanceof ApiError) return error.reply
      if (error instanceof MachineError) return new ApiError(409, error.message).reply
      throw error
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy())
    const status = await this.#handshakeStatus(request)
    if (status === 101) this.#push.accept(request, socket, head)
    else if (status === null) socket.destroy()
    else socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
  }

  /** null: give no answer. */
  async #handshakeStatus(request: IncomingMessage): Promise<number | null> {
    const call = this.#server.callOf(request)
    if (!call) return 400
    const handshake = (passed: HostCall): Promise<HostReply> =>
      Promise.resolve({ status: this.#push.handshakeStatus(passed) })
    try {
      return (await this.#server.pass(call, handshake))?.status ?? null
    } catch (error) {
      return errorReply(error).status
    }
  }
}

function errorReply(error: unknown): HostReply {
  if (error instanceof BodyTooLargeError) return new ApiError(413, 'Request Entity Too Large').reply
  return new ApiError(500, error instanceof Error ? error.message : 'Internal Server Error').reply
}
