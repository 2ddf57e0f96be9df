import { rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'

import { GcodeMachine } from './gcode-machine.js'
import { KlippySocket, type KlippyRequest } from './klippy-socket.js'
import { createPrinterObjects, selectStatus, type ObjectSelection, type PrinterObjects } from './printer-objects.js'
import { VirtualSd } from './virtual-sd.js'

export interface KlippyOptions {
  socketPath: string
  gcodesDir: string
  /** How fast heaters heat and cool. */
  heatingCelsiusPerSecond?: number
  /** How long a start or restart takes until Klippy is ready. */
  startupMs?: number
}

type Endpoint = (params: Record<string, unknown>, client: KlippySocket) => object | Promise<object>

const PUSH_INTERVAL_SECONDS = 0.25
const NOTHING = {}

/**
 * Stands in for Klipper's host process (Klippy) behind a real Moonraker: the same Unix socket protocol, a machine that
 * executes the g-code of a file in real time, and the states that Moonraker reads.
 */
export class KlippyStandIn {
  readonly #options: Required<KlippyOptions>
  readonly #clients = new Set<KlippySocket>()
  readonly #endpoints: Record<string, Endpoint>
  #objects!: PrinterObjects
  #machine!: GcodeMachine
  #sd!: VirtualSd
  #server: Server | null = null
  #ticker: NodeJS.Timeout | undefined
  #startup: NodeJS.Timeout | undefined

  constructor(options: KlippyOptions) {
    this.#options = { heatingCelsiusPerSecond: 200, startupMs: 100, ...options }
    this.#endpoints = this.#defineEndpoints()
  }

  /** Listens on the socket, as a started Klipper service does. */
  async start(): Promise<void> {
    this.#boot()
    await rm(this.#options.socketPath, { force: true })
    const server = createServer((socket) => this.#accept(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#options.socketPath, resolve)
    })
    this.#server = server
    this.#ticker = setInterval(() => this.#tick(), PUSH_INTERVAL_SECONDS * 1000)
  }

  /** Ends as a stopped or crashed Klipper service does: the socket is gone. */
  async stop(): Promise<void> {
    clearInterval(this.#ticker)
    clearTimeout(this.#startup)
    const server = this.#server
    this.#server = null
    if (server === null) return
    this.#machine.halt()
    this.#disconnectClients()
    await new Promise((resolve) => server.close(resolve))
    await rm(this.#options.socketPath, { force: true })
  }

  /** Whether Moonraker has come (back) to the socket, and so knows of the end of the connection before it. */
  get isAttached(): boolean {
    return this.#clients.size > 0
  }

  /** Comes back with everything forgotten, as after `RESTART`. */
  restart(): void {
    this.#machine.halt()
    this.#disconnectClients()
    this.#boot()
  }

  /** Shuts the machine down with this message, as a lost micro-controller does. */
  shutdown(message: string): void {
    Object.assign(this.#objects.webhooks, { state: 'shutdown', state_message: message })
    this.#sd.interrupt()
    this.#machine.halt()
  }

  #boot(): void {
    const { gcodesDir, heatingCelsiusPerSecond, startupMs } = this.#options
    const objects = createPrinterObjects(gcodesDir)
    this.#objects = objects
    this.#machine = new GcodeMachine(
      objects,
      {
        printFile: (filename) => this.#sd.print(filename),
        resetFile: () => this.#sd.reset(),
        pause: () => this.#sd.pause(),
        resume: () => this.#sd.resume(),
        cancel: () => this.#sd.cancel(),
        restart: () => this.restart(),
        shutdown: (message) => this.shutdown(message),
        respond: (line) => this.#clients.forEach((client) => client.pushOutput(line)),
      },
      heatingCelsiusPerSecond,
    )
    this.#sd = new VirtualSd(objects, this.#machine, gcodesDir)
    clearTimeout(this.#startup)
    this.#startup = setTimeout(() => {
      Object.assign(objects.webhooks, { state: 'ready', state_message: 'Printer is ready' })
    }, startupMs)
  }

  #tick(): void {
    this.#machine.heat(PUSH_INTERVAL_SECONDS)
    this.#sd.tick(PUSH_INTERVAL_SECONDS)
    for (const client of this.#clients) client.pushChanges(this.#objects, performance.now() / 1000)
  }

  #accept(socket: Socket): void {
    const client = new KlippySocket(socket, (request) => void this.#answer(client, request))
    this.#clients.add(client)
    socket.on('close', () => this.#clients.delete(client))
  }

  async #answer(client: KlippySocket, request: KlippyRequest): Promise<void> {
    const reply = await this.#call(client, request)
    if (request.id !== null) client.send({ id: request.id, ...reply })
  }

  async #call(client: KlippySocket, request: KlippyRequest): Promise<Record<string, unknown>> {
    try {
      const endpoint = this.#endpoints[request.method]
      if (endpoint === undefined) throw new Error(`webhooks: No registered callback for path '${request.method}'`)
      return { result: await endpoint(request.params, client) }
    } catch (error) {
      return { error: { error: 'WebRequestError', message: error instanceof Error ? error.message : String(error) } }
    }
  }

  #disconnectClients(): void {
    for (const client of this.#clients) client.destroy()
    this.#clients.clear()
  }

  async #script(script: string): Promise<object> {
    await this.#machine.runScript(script)
    return NOTHING
  }

  #info(): object {
    return {
      ...this.#objects.webhooks,
      hostname: 'klippy-stand-in',
      software_version: 'v0.13.0-stand-in',
      klipper_path: '/opt/klipper',
      python_path: '/usr/bin/python3',
      log_file: 'klippy.log',
      config_file: 'printer.cfg',
      cpu_info: 'none',
      process_id: process.pid,
      user_id: process.getuid?.() ?? 0,
      group_id: process.getgid?.() ?? 0,
    }
  }

  #defineEndpoints(): Record<string, Endpoint> {
    const status = (selected: object) => ({ eventtime: performance.now() / 1000, status: selected })
    const endpoints: Record<string, Endpoint> = {
      info: () => this.#info(),
      list_endpoints: () => ({ endpoints: Object.keys(endpoints) }),
      register_remote_method: () => NOTHING,
      emergency_stop: () => {
        this.shutdown('Shutdown due to webhooks request')
        return NOTHING
      },
      'gcode/script': ({ script }) => this.#script(String(script)),
      'gcode/help': () => ({ SDCARD_PRINT_FILE: 'Loads a SD file and starts the print.' }),
      'gcode/restart': () => this.#script('RESTART'),
      'gcode/firmware_restart': () => this.#script('FIRMWARE_RESTART'),
      'gcode/subscribe_output': (params, client) => {
        client.subscribeOutput(params['response_template'] as Record<string, unknown>)
        return NOTHING
      },
      'objects/list': () => ({ objects: Object.keys(this.#objects) }),
      'objects/query': ({ objects }) => status(selectStatus(this.#objects, objects as ObjectSelection)),
      'objects/subscribe': (params, client) => {
        const template = (params['response_template'] ?? {}) as Record<string, unknown>
        return status(client.subscribe(this.#objects, params['objects'] as ObjectSelection, template))
      },
      'pause_resume/pause': () => this.#script('PAUSE'),
      'pause_resume/resume': () => this.#script('RESUME'),
      'pause_resume/cancel': () => this.#script('CANCEL_PRINT'),
    }
    return endpoints
  }
}
