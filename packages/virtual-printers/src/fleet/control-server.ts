import { MachineError } from '../machine/machine.types.js'
import { HostServer } from '../net/host-server.js'
import type { HostCall, HostReply } from '../net/host-server.types.js'
import { BodyTooLargeError, readBody } from '../net/read-body.js'
import type { Fleet, FleetPrinter } from './fleet.js'

/** A print file may come along with `start-at-panel`. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

export interface ControlServer extends AsyncDisposable {
  readonly url: string
  stop(): Promise<void>
}

class ControlError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

type Action = (printer: FleetPrinter, body: Record<string, unknown>) => void | Promise<void>

/** What a person can do at a printer, or at its plug. */
const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['clear-bed', ({ machine }) => machine.clearBed()],
  ['cancel-at-panel', ({ machine }) => machine.cancelAtPanel()],
  ['start-at-panel', startAtPanel],
  ['emergency-stop', ({ machine }) => machine.emergencyStop('the button at the printer')],
  ['offline', ({ host }) => host.goOffline()],
  ['online', ({ host }) => host.goOnline()],
  ['restart', ({ host }) => host.restart()],
])

/**
 * The control API of a fleet, by which another process acts as the person at the printers. It has no login: listen on
 * loopback only. @throws when the port is taken
 */
export async function startControlServer(
  fleet: Fleet,
  options: { readonly host?: string; readonly port?: number } = {},
): Promise<ControlServer> {
  const server = new HostServer({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    handler: (call) => route(fleet, call),
    onUpgrade: (_request, socket) => socket.destroy(),
    onError: errorReply,
  })
  await server.goOnline()
  const stop = (): Promise<void> => server.goOffline()
  return { url: server.url, stop, [Symbol.asyncDispose]: stop }
}

async function route(fleet: Fleet, call: HostCall): Promise<HostReply> {
  const [noun = '', name, action] = call.path.split('/').slice(1)
  switch (`${call.method} ${noun}`) {
    case 'GET printers':
      if (name === undefined) return ok(fleet.printers.map(printerView))
      return ok(action === 'starts' ? find(fleet, name).machine.starts : printerView(find(fleet, name)))
    case 'POST printers':
      return act(find(fleet, name ?? ''), action ?? '', call)
    case 'GET counts':
      return ok(fleet.counts())
    case 'GET speed':
      return ok({ speed: fleet.speed })
    case 'POST speed':
      return setSpeed(fleet, await objectBody(call))
    default:
      throw new ControlError(404, `no such call: ${call.method} ${call.path}`)
  }
}

async function act(printer: FleetPrinter, name: string, call: HostCall): Promise<HostReply> {
  const action = ACTIONS.get(name)
  if (!action) throw new ControlError(404, `no such action: ${name}; there are ${[...ACTIONS.keys()].join(', ')}`)
  await action(printer, await objectBody(call))
  return ok(printerView(printer))
}

async function startAtPanel({ host }: FleetPrinter, { name, content }: Record<string, unknown>): Promise<void> {
  if (typeof name !== 'string' || (content !== undefined && typeof content !== 'string')) {
    throw new ControlError(400, 'name must be a string, and content a string or absent')
  }
  await host.startAtPanel(name, content)
}

function setSpeed(fleet: Fleet, { speed }: Record<string, unknown>): HostReply {
  if (typeof speed !== 'number') throw new ControlError(400, 'speed must be a number')
  fleet.setSpeed(speed)
  return ok({ speed: fleet.speed })
}

function find(fleet: Fleet, name: string): FleetPrinter {
  const printer = fleet.printers.find((candidate) => candidate.name === name)
  if (!printer) throw new ControlError(404, `no printer is named ${JSON.stringify(name)}`)
  return printer
}

function printerView({ name, kind, url, apiKey, machine, host }: FleetPrinter): object {
  const { state, bed, material, job, lastJob, heaters, shutdownReason } = machine
  return { name, kind, url, apiKey, online: host.online, state, shutdownReason, bed, material, heaters, job, lastJob }
}

/** An absent body is an empty object. */
async function objectBody(call: HostCall): Promise<Record<string, unknown>> {
  const text = await readBody(call.request, MAX_BODY_BYTES)
  if (text === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    throw new ControlError(400, 'the body is no JSON')
  }
  throw new ControlError(400, 'the body is no JSON object')
}

function ok(json: unknown): HostReply {
  return { status: 200, json }
}

function errorReply(error: unknown): HostReply {
  const message = error instanceof Error ? error.message : String(error)
  return { status: statusOf(error), json: { error: message } }
}

function statusOf(error: unknown): number {
  if (error instanceof ControlError) return error.status
  if (error instanceof MachineError) return 409
  if (error instanceof RangeError) return 400
  return error instanceof BodyTooLargeError ? 413 : 500
}
